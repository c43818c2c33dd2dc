"""ZIPs as streams."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from zipfile import ZipFile

import pytest

from services.renderer.archives.zipping import Member, bytes_at_most, zipped

WHEN = datetime(2030, 1, 31, 12, 30, 42, tzinfo=UTC)


def members(count: int) -> list[Member]:
    return [Member(f"ö{n}.png", 3 * n, [b"abc"] * n) for n in range(count)]


def test_what_goes_in_comes_out() -> None:
    data = b"".join(zipped(members(5), WHEN))
    with ZipFile(io.BytesIO(data)) as opened:
        assert opened.testzip() is None
        assert {name: opened.read(name) for name in opened.namelist()} == {f"ö{n}.png": b"abc" * n for n in range(5)}
        assert {info.date_time for info in opened.infolist()} == {(2030, 1, 31, 12, 30, 42)}
    assert len(data) <= bytes_at_most([(member.name, member.size) for member in members(5)])


def test_the_same_members_make_the_same_bytes() -> None:
    assert b"".join(zipped(members(5), WHEN)) == b"".join(zipped(members(5), WHEN))


def test_nothing_is_read_before_it_is_wanted() -> None:
    read: list[int] = []

    def parts(number: int) -> Iterator[bytes]:
        read.append(number)
        yield b"x"

    stream = zipped((Member(str(n), 1, parts(n)) for n in range(3)), WHEN)
    while not read:
        next(stream)
    assert read == [0]


def test_a_member_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="has 3 bytes, not 4"):
        list(zipped([Member("a", 4, [b"abc"])], WHEN))


def test_more_files_than_the_old_format_counts() -> None:
    count = 66_000
    data = b"".join(zipped((Member(str(n), 0, []) for n in range(count)), WHEN))
    with ZipFile(io.BytesIO(data)) as opened:
        assert len(opened.namelist()) == count
    assert len(data) <= bytes_at_most([(str(n), 0) for n in range(count)])


def test_a_file_larger_than_the_old_format_holds() -> None:
    """The head of a file of 5 GB asks for ZIP64; its bytes need not be written for that."""
    stream = zipped([Member("large", 5 << 30, iter(lambda: b"x", b""))], WHEN)
    assert b"\x01\x00\x10\x00" in next(stream)

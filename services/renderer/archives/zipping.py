"""A ZIP as a stream of bytes: nothing is compressed, for images and PDFs are, and nothing is held but one part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from zipfile import ZIP_STORED, ZipFile, ZipInfo

# Both headers of a file beside its name, with all that ZIP64 adds.
_HEADERS_BYTES = 256
_READABLE = 0o644 << 16
_UNIX = 3


@dataclass(frozen=True)
class Member:
    """A file to be written: its name, its exact size, and its bytes in parts."""

    name: str
    size: int
    parts: Iterable[bytes]


def zipped(members: Iterable[Member], when: datetime) -> Iterator[bytes]:
    """The bytes of a ZIP, which are the same for the same members.

    Args:
        members: with names of which no two are alike.
        when: the time that every file carries.

    Raises:
        ValueError: a member is not of its size.
    """
    sink = _Sink()
    with ZipFile(sink, "w", ZIP_STORED) as archive:
        for member in members:
            info = _info(member, when)
            with archive.open(info, "w") as file:
                for part in member.parts:
                    file.write(part)
                    yield from sink.take()
            if info.file_size != member.size:
                raise ValueError(f"{member.name} has {info.file_size} bytes, not {member.size}")
            yield from sink.take()
    yield from sink.take()


def bytes_at_most(members: Iterable[tuple[str, int]]) -> int:
    """A bound of the size of a ZIP, from the names and sizes of its members."""
    return _HEADERS_BYTES + sum(size + 2 * len(name.encode()) + _HEADERS_BYTES for name, size in members)


def _info(member: Member, when: datetime) -> ZipInfo:
    info = ZipInfo(member.name, when.timetuple()[:6])
    # Decides whether the headers need ZIP64.
    info.file_size = member.size
    info.external_attr, info.create_system = _READABLE, _UNIX
    return info


class _Sink:
    """Takes what is written, until it is taken on."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes, /) -> int:
        self._parts.append(data)
        return len(data)

    def flush(self) -> None:
        """Nothing to do: there is nothing behind it."""

    def close(self) -> None:
        """Nothing to do, likewise."""

    def take(self) -> Iterator[bytes]:
        parts, self._parts = self._parts, []
        yield from parts

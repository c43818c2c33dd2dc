"""What uploads are, and what fonts call themselves."""

from __future__ import annotations

import struct

import pytest

from services.scheduler import fontface, media
from services.scheduler.fonttables import FontError
from tests.support import fonts

FTYP = b"\x00\x00\x00\x1cftyp"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x89PNG\r\n\x1a\n...", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVE", None),
        (FTYP + b"mif1\x00\x00\x00\x00avifmif1", "image/avif"),
        (FTYP + b"isom\x00\x00\x00\x00isommp42", None),
        (b"<svg>", "image/svg+xml"),
        (
            b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- <b> -->\n<!DOCTYPE svg [<!ENTITY a "b>">]>\n<s:svg\n',
            "image/svg+xml",
        ),
        (b"<html><svg></html>", None),
        (b"<svgs>", None),
        (b"OTTO", "font/otf"),
        (b"wOF2", "font/woff2"),
        (b"ttcf", None),
        (b"", None),
        (b"%PDF-1.7", None),
    ],
)
def test_what_a_file_is_its_bytes_tell(data: bytes, expected: str | None) -> None:
    assert media.content_type(data) == expected


@pytest.mark.parametrize(
    "data", [b" " * 70_000, b"<!--" * 20_000, b"<?" * 40_000, b"<!-- -->" * 9_000, b"<!DOCTYPE [" * 9_000]
)
@pytest.mark.timeout(20)
def test_a_prologue_without_end_is_given_up_soon(data: bytes) -> None:
    assert media.content_type(data) is None


@pytest.mark.parametrize("pack", [fonts.truetype, fonts.woff, fonts.woff2])
def test_a_font_is_named_alike_however_it_is_packed(pack: object) -> None:
    assert callable(pack)
    found = fontface.read(pack("Brand Grotesk ÄÖ"))
    assert (found.family, found.min_weight, found.max_weight, found.italic) == ("Brand Grotesk ÄÖ", 400, 400, False)


def test_weight_style_and_weight_axis_are_read() -> None:
    bold = fontface.read(fonts.truetype("Brand", weight=700, italic=True))
    assert (bold.min_weight, bold.max_weight, bold.italic) == (700, 700, True)
    variable = fontface.read(fonts.truetype("Brand", weights=(100, 900)))
    assert (variable.min_weight, variable.max_weight) == (100, 900)


@pytest.mark.parametrize("pack", [fonts.truetype, fonts.woff, fonts.woff2])
def test_a_font_cut_anywhere_is_refused_and_never_breaks_the_reader(pack: object) -> None:
    assert callable(pack)
    whole = pack("Brand")
    for length in range(4, len(whole) - 60):
        try:
            fontface.read(whole[:length])
        except FontError:
            continue


def test_a_font_with_a_flipped_byte_never_breaks_the_reader() -> None:
    for pack in (fonts.truetype, fonts.woff, fonts.woff2):
        whole = pack("Brand")
        for place in range(4, len(whole)):
            try:
                fontface.read(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
            except FontError:
                continue


def test_a_font_that_unpacks_to_more_than_allowed_is_refused() -> None:
    bomb = bytearray(fonts.woff("Brand"))
    count = struct.unpack_from(">H", bomb, 12)[0]
    for entry in range(44, 44 + 20 * count, 20):
        struct.pack_into(">I", bomb, entry + 12, 1 << 31)
    with pytest.raises(FontError, match="unpacks to more than"):
        fontface.read(bytes(bomb))

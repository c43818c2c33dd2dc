"""The size of a picture, from the beginning of its file. Opening it with pyvips costs half a millisecond."""

from __future__ import annotations

import struct

from services.renderer.engine.pixels import SIGNATURE

_AT_SIZE_OF_PNG = 16
_AT_SIZE_OF_WEBP = 26
_AT_SIZE_OF_EXTENDED_WEBP = 24
_LONGEST_OF_WEBP = 0x3FFF
_AT_SEGMENTS_OF_JPEG = 2
# Baseline, extended and progressive.
_FRAMES_OF_JPEG = {0xC0, 0xC1, 0xC2}


def size_of(picture: bytes) -> tuple[int, int]:
    """Width and height in pixels of a PNG, a JPEG or a lossy WebP.

    Raises:
        ValueError: it is none of them, or breaks off.
    """
    try:
        if picture.startswith(SIGNATURE):
            width, height = struct.unpack_from(">II", picture, _AT_SIZE_OF_PNG)
        elif picture.startswith(b"RIFF"):
            width, height = _of_webp(picture)
        else:
            height, width = struct.unpack_from(">HH", picture, _frame_of_jpeg(picture) + 5)
    except (IndexError, struct.error) as error:
        raise ValueError("the picture breaks off") from error
    return width, height


def _of_webp(picture: bytes) -> tuple[int, int]:
    if picture[8:16] == b"WEBPVP8 ":
        # The upper two bits say how a viewer may stretch it.
        width, height = struct.unpack_from("<HH", picture, _AT_SIZE_OF_WEBP)
        return width & _LONGEST_OF_WEBP, height & _LONGEST_OF_WEBP
    if picture[8:16] == b"WEBPVP8X":
        width, more_width, height, more_height = struct.unpack_from("<HBHB", picture, _AT_SIZE_OF_EXTENDED_WEBP)
        return width + (more_width << 16) + 1, height + (more_height << 16) + 1
    raise ValueError("the picture is no lossy WebP")


def _frame_of_jpeg(picture: bytes) -> int:
    at = _AT_SEGMENTS_OF_JPEG
    while picture[at] == 0xFF:  # noqa: PLR2004 - begins every segment
        if picture[at + 1] in _FRAMES_OF_JPEG:
            return at
        at += 2 + int.from_bytes(picture[at + 2 : at + 4])
    raise ValueError("the picture is neither PNG nor JPEG nor WebP")

"""The size of a picture, from the beginning of its file. Opening it with pyvips costs half a millisecond."""

from __future__ import annotations

import struct

from services.renderer.engine import png

_AT_SIZE_OF_PNG = 16
_AT_SEGMENTS_OF_JPEG = 2
# Baseline, extended and progressive.
_FRAMES_OF_JPEG = {0xC0, 0xC1, 0xC2}


def size_of(picture: bytes) -> tuple[int, int]:
    """Width and height in pixels of a PNG or JPEG.

    Raises:
        ValueError: it is neither, or breaks off.
    """
    try:
        if picture.startswith(png.SIGNATURE):
            width, height = struct.unpack_from(">II", picture, _AT_SIZE_OF_PNG)
        else:
            height, width = struct.unpack_from(">HH", picture, _frame_of_jpeg(picture) + 5)
    except (IndexError, struct.error) as error:
        raise ValueError("the picture breaks off") from error
    return width, height


def _frame_of_jpeg(picture: bytes) -> int:
    at = _AT_SEGMENTS_OF_JPEG
    while picture[at] == 0xFF:  # noqa: PLR2004 - begins every segment
        if picture[at + 1] in _FRAMES_OF_JPEG:
            return at
        at += 2 + int.from_bytes(picture[at + 2 : at + 4])
    raise ValueError("the picture is neither PNG nor JPEG")

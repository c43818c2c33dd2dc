"""The pixels of what Chromium has captured."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import deflate
import numpy as np
import numpy.typing as npt
import pyvips

# Rows, columns and channels: red, green, blue and, in what may be transparent, alpha.
Pixels = npt.NDArray[np.uint8]
SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOUR_TYPES = {3: 2, 4: 6}
# After the size of a PNG, which is all there is in those that Chromium makes: 8 bits, and not interlaced.
_AT_HEADER = 16
_UP = 2


def read(capture: bytes, *, transparent: bool) -> Pixels:
    """The pixels of a PNG.

    Args:
        capture: as Chromium packs it in haste.
        transparent: whether there is to be an alpha channel; without, what is transparent becomes white.
    """
    channels = 4 if transparent else 3
    pixels = _hasty(capture, channels)
    if pixels is not None:
        return pixels
    image = opened(capture, transparent=transparent)
    return np.ndarray((image.height, image.width, channels), np.uint8, image.write_to_memory())


def opened(capture: bytes, *, transparent: bool) -> pyvips.Image:
    """The same as a picture that is read from top to bottom once, a piece at a time."""
    image = pyvips.Image.new_from_buffer(capture, "", access="sequential").colourspace("srgb")
    if transparent:
        # What is opaque all over comes without.
        return image if image.hasalpha() else image.addalpha()
    return image.flatten(background=255) if image.hasalpha() else image


def chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a PNG: name and content."""
    at = len(SIGNATURE)
    while at < len(png):
        size, kind = struct.unpack_from(">I4s", png, at)
        yield kind, png[at + 8 : at + 8 + size]
        at += 12 + size


def _hasty(capture: bytes, channels: int) -> Pixels | None:
    """What Chromium packs in haste has each row as its difference from the one above; half of what libpng takes."""
    width, height, *header = struct.unpack_from(">IIBBBBB", capture, _AT_HEADER)
    if header != [8, COLOUR_TYPES[channels], 0, 0, 0]:
        return None
    packed = b"".join(content for kind, content in chunks(capture) if kind == b"IDAT")
    size = 1 + width * channels
    rows = np.frombuffer(deflate.zlib_decompress(packed, height * size), np.uint8).reshape(height, size)
    if (rows[:, 0] != _UP).any():
        return None
    pixels = np.empty((height, width * channels), np.uint8)
    pixels[0] = rows[0, 1:]
    for above, difference, row in zip(pixels[:-1], rows[1:, 1:], pixels[1:], strict=True):
        np.add(above, difference, out=row)
    return pixels.reshape(height, width, channels)

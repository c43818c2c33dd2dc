"""PNG files smaller than Chromium's own, for a fraction of its work.

Which filter suits a picture (gradients, photographs, text, flat colours) is found on a few of its rows; its rows are
then compressed by libdeflate, which does more in the same time than what is behind pyvips.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import deflate
import pyvips

# Beyond it a picture is not held in memory whole.
MOST_PIXELS = 9_000_000
_FILTERS = ("none", "sub", "paeth")
_LEVEL, _LEVEL_OF_SMALLEST = 5, 9
# Pictures that hardly compress, by bytes of the sample against its pixels': there a lower level costs a fiftieth of
# the bytes and saves a third of the work.
_DENSE, _LEVEL_OF_DENSE = 0.15, 3
_LEVEL_OF_SAMPLE = 2
# Groups of rows, spread over the picture: how many there are at least, how many neighbours a group has, and how many
# pixels small pictures are judged by.
_SAMPLES, _SAMPLE_ROWS, _SAMPLE_PIXELS = 12, 4, 60_000
_COLOURS = 3
SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Of the first chunk, with its length, name and checksum.
_HEADER_BYTES = 25


def pack(picture: pyvips.Image, *, smallest: bool) -> bytes:
    """Write a PNG.

    Args:
        picture: with 8 bits a channel, and at most `MOST_PIXELS`.
        smallest: takes several times the work for a few percent.
    """
    pixels = picture.write_to_memory()
    shape = _Shape(picture.width, picture.height, picture.bands)
    sample = shape.sample(pixels)
    sizes = {name: len(deflate.zlib_compress(_filtered(*sample, name)[1], _LEVEL_OF_SAMPLE)) for name in _FILTERS}
    best = min(sizes, key=sizes.__getitem__)
    level = _LEVEL_OF_DENSE if sizes[best] > _DENSE * len(sample[1]) else _LEVEL
    header, rows = _filtered(shape, pixels, best)
    packed = bytes(deflate.zlib_compress(rows, _LEVEL_OF_SMALLEST if smallest else level))
    return b"".join((SIGNATURE, header, _chunk(b"IDAT", packed), _chunk(b"IEND", b"")))


@dataclass(frozen=True)
class _Shape:
    width: int
    height: int
    bands: int

    @property
    def row_bytes(self) -> int:
        return self.width * self.bands

    def sample(self, pixels: bytes) -> tuple[_Shape, bytes]:
        """Some of the rows, or all of a few."""
        samples = max(_SAMPLES, _SAMPLE_PIXELS // (self.width * _SAMPLE_ROWS))
        if self.height <= 2 * samples * _SAMPLE_ROWS:
            return self, pixels
        room = self.height - _SAMPLE_ROWS
        tops = (room * (2 * index + 1) // (2 * samples) for index in range(samples))
        groups = (pixels[top * self.row_bytes : (top + _SAMPLE_ROWS) * self.row_bytes] for top in tops)
        return _Shape(self.width, samples * _SAMPLE_ROWS, self.bands), b"".join(groups)


def _filtered(shape: _Shape, pixels: bytes, name: str) -> tuple[bytes, bytes]:
    """The header chunk, and the rows as they are compressed: a byte for the filter, then what it leaves of them."""
    picture = pyvips.Image.new_from_memory(pixels, shape.width, shape.height, shape.bands, "uchar")
    picture = picture.copy(interpretation="srgb" if shape.bands >= _COLOURS else "b-w")
    stored = picture.pngsave_buffer(compression=0, filter=name, keep="none")
    contents = b"".join(content for kind, content in _chunks(stored) if kind == b"IDAT")
    rows = bytes(deflate.zlib_decompress(contents, shape.height * (1 + shape.row_bytes)))
    return stored[len(SIGNATURE) :][:_HEADER_BYTES], rows


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at < len(png):
        size, kind = struct.unpack_from(">I4s", png, at)
        yield kind, png[at + 8 : at + 8 + size]
        at += 12 + size


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

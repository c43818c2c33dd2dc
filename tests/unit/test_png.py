"""PNG files as they are packed anew."""

from __future__ import annotations

import io
import random

import deflate
import pytest
import pyvips
from PIL import Image

from services.renderer.engine import png


def noise(width: int, height: int, bands: int) -> bytes:
    return random.Random(7).randbytes(width * height * bands)  # noqa: S311 - a picture, and no secret


def ink(width: int, height: int, bands: int) -> bytes:
    """Every other pixel is black, on no order: as letters are."""
    return b"".join((b"\0" if level & 1 else b"\xff") * bands for level in noise(width, height, 1))


def flat(width: int, height: int, bands: int) -> bytes:
    return bytes(range(10, 10 + bands)) * (width * height)


def slope(width: int, height: int, bands: int) -> bytes:
    return bytes((3 * x + 5 * y + band) & 255 for y in range(height) for x in range(width) for band in range(bands))


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (97, 95), (97, 96), (97, 97), (200, 240)])
@pytest.mark.parametrize("bands", [3, 4])
@pytest.mark.parametrize("pixels", [noise, flat, ink, slope])
@pytest.mark.parametrize("smallest", [False, True])
def test_every_pixel_is_kept(size: tuple[int, int], bands: int, pixels: object, smallest: bool) -> None:
    content: bytes = pixels(*size, bands)  # type: ignore[operator]
    picture = pyvips.Image.new_from_memory(content, *size, bands, "uchar").copy(interpretation="srgb")
    packed = png.pack(picture, smallest=smallest)
    opened = Image.open(io.BytesIO(packed))
    opened.verify()
    opened = Image.open(io.BytesIO(packed))
    assert (opened.size, opened.mode) == (size, "RGBA" if bands == 4 else "RGB")
    assert opened.tobytes() == content


def test_the_filter_follows_the_picture() -> None:
    size = (300, 200)
    for pixels, filters in ((ink, {0}), (slope, {1, 4})):
        picture = pyvips.Image.new_from_memory(pixels(*size, 3), *size, 3, "uchar").copy(interpretation="srgb")
        stored = next(content for kind, content in png._chunks(png.pack(picture, smallest=False)) if kind == b"IDAT")
        rows = deflate.zlib_decompress(stored, size[1] * (1 + 3 * size[0]))
        assert {rows[row * (1 + 3 * size[0])] for row in range(size[1])} <= filters


def test_more_work_makes_smaller_files() -> None:
    size = (400, 300)
    picture = pyvips.Image.new_from_memory(ink(*size, 3), *size, 3, "uchar").copy(interpretation="srgb")
    assert len(png.pack(picture, smallest=True)) < len(png.pack(picture, smallest=False))

"""PNG files as they are packed anew."""

from __future__ import annotations

import io
import random
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from services.renderer.engine import pixels, png

Paint = Callable[[int, int, int], bytes]


def noise(width: int, height: int, channels: int) -> bytes:
    return random.Random(7).randbytes(width * height * channels)  # noqa: S311 - a picture, and no secret


def ink(width: int, height: int, channels: int) -> bytes:
    """Every other pixel is black, on no order: as letters are."""
    return b"".join((b"\0" if level & 1 else b"\xff") * channels for level in noise(width, height, 1))


def flat(width: int, height: int, channels: int) -> bytes:
    return bytes(range(10, 10 + channels)) * (width * height)


def slope(width: int, height: int, channels: int) -> bytes:
    return bytes((3 * x + 5 * y + each) & 255 for y in range(height) for x in range(width) for each in range(channels))


def hills(width: int, height: int, channels: int) -> bytes:
    """Rows that differ little, each of noise: as photographs with a grain along one side are."""
    row = noise(width, 1, channels)
    return b"".join(bytes((value + y // 3) & 255 for value in row) for y in range(height))


def streaks(width: int, height: int, channels: int) -> bytes:
    """The same for columns."""
    column = noise(height, 1, channels)
    starts = (column[y * channels : (y + 1) * channels] for y in range(height))
    return b"".join(bytes((value + x // 3) & 255 for value in start) for start in starts for x in range(width))


def painted(paint: Paint, width: int, height: int, channels: int) -> pixels.Pixels:
    return np.ndarray((height, width, channels), np.uint8, paint(width, height, channels))


def filters_of(packed: bytes) -> set[int]:
    """The filters of a PNG's rows."""
    opened = Image.open(io.BytesIO(packed))
    stored = b"".join(content for kind, content in pixels.chunks(packed) if kind == b"IDAT")
    return set(zlib.decompress(stored)[:: 1 + opened.width * len(opened.mode)])


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (97, 95), (97, 96), (97, 97), (200, 240)])
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("paint", [noise, flat, ink, slope, hills, streaks])
@pytest.mark.parametrize("smallest", [False, True])
def test_every_pixel_is_kept(size: tuple[int, int], channels: int, paint: Paint, smallest: bool) -> None:
    packed = png.pack(painted(paint, *size, channels), smallest=smallest)
    opened = Image.open(io.BytesIO(packed))
    opened.verify()
    opened = Image.open(io.BytesIO(packed))
    assert (opened.size, opened.mode) == (size, "RGBA" if channels == 4 else "RGB")
    assert opened.tobytes() == paint(*size, channels)


@pytest.mark.parametrize(("number", "filter_"), [*zip((0, 1, 2, 4), png._FILTERS, strict=True)])
@pytest.mark.parametrize("channels", [3, 4])
def test_every_filter_keeps_every_pixel(
    monkeypatch: pytest.MonkeyPatch, number: int, filter_: png.Filter, channels: int
) -> None:
    monkeypatch.setattr(png, "_FILTERS", (filter_,))
    for paint in (noise, flat, ink, slope, hills, streaks):
        packed = png.pack(painted(paint, 61, 83, channels), smallest=False)
        assert filters_of(packed) == {number}
        assert Image.open(io.BytesIO(packed)).tobytes() == paint(61, 83, channels)


@pytest.mark.parametrize(("paint", "filters"), [(ink, {0}), (streaks, {1}), (hills, {2}), (slope, {1, 2, 4})])
def test_the_filter_follows_the_picture(paint: Paint, filters: set[int]) -> None:
    assert filters_of(png.pack(painted(paint, 300, 200, 3), smallest=False)) <= filters


def test_more_work_makes_smaller_files() -> None:
    picture = painted(ink, 400, 300, 3)
    assert len(png.pack(picture, smallest=True)) < len(png.pack(picture, smallest=False))

"""Captures as pixels: those that Chromium packs in haste, and all others."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest
from PIL import Image

from services.renderer.engine import pixels, png

WIDTH, HEIGHT = 23, 17


def noise(channels: int) -> pixels.Pixels:
    content = random.Random(5).randbytes(WIDTH * HEIGHT * channels)  # noqa: S311 - a picture, and no secret
    return np.ndarray((HEIGHT, WIDTH, channels), np.uint8, content)


def by_pillow(picture: pixels.Pixels) -> bytes:
    output = io.BytesIO()
    Image.fromarray(picture).save(output, "png")
    return output.getvalue()


def with_differences(picture: pixels.Pixels, monkeypatch: pytest.MonkeyPatch) -> bytes:
    monkeypatch.setattr(png, "_FILTERS", (png._up,))
    return png.pack(picture, smallest=False)


def in_pieces(packed: bytes) -> bytes:
    """The same file with its pixels in many chunks."""
    stored = b"".join(content for kind, content in pixels.chunks(packed) if kind == b"IDAT")
    pieces = [(b"IDAT", stored[at : at + 100]) for at in range(0, len(stored), 100)]
    whole = [next(iter(pixels.chunks(packed))), (b"tEXt", b"a\0b"), *pieces, (b"IEND", b"")]
    return pixels.SIGNATURE + b"".join(png._chunk(kind, content) for kind, content in whole)


@pytest.mark.parametrize("channels", [3, 4])
def test_a_hasty_capture_is_read_as_it_was(channels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = noise(channels)
    capture = in_pieces(with_differences(picture, monkeypatch))
    assert pixels._hasty(capture, channels) is not None
    assert (pixels.read(capture, transparent=channels == 4) == picture).all()


@pytest.mark.parametrize("channels", [3, 4])
def test_any_other_capture_is_read_by_the_library(channels: int) -> None:
    picture = noise(channels)
    capture = by_pillow(picture)
    assert pixels._hasty(capture, channels) is None
    assert (pixels.read(capture, transparent=channels == 4) == picture).all()


def test_what_has_no_alpha_is_opaque_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = noise(3)
    for capture in (by_pillow(picture), with_differences(picture, monkeypatch)):
        found = pixels.read(capture, transparent=True)
        assert (found[..., :3] == picture).all()
        assert (found[..., 3] == 255).all()


def test_what_is_transparent_becomes_white_where_it_is_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = noise(4).copy()
    picture[0, :, 3], picture[1, :, 3] = 0, 255
    for capture in (by_pillow(picture), with_differences(picture, monkeypatch)):
        found = pixels.read(capture, transparent=False)
        assert (found[0] == 255).all()
        assert (found[1] == picture[1, :, :3]).all()


def test_greys_become_colours() -> None:
    picture = noise(3)[..., 0]
    found = pixels.read(by_pillow(picture), transparent=False)
    assert all((found[..., channel] == picture).all() for channel in range(3))

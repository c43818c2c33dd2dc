"""The sizes of pictures, from the beginning of their files."""

from __future__ import annotations

from typing import Any

import pytest
import pyvips

from services.renderer.engine.picture_size import size_of


@pytest.mark.parametrize("size", [(1, 1), (1200, 630), (3, 40_000)])
@pytest.mark.parametrize(
    ("ending", "options"),
    [(".png", {}), (".jpg", {}), (".jpg", {"interlace": True}), (".jpg", {"optimize_coding": True, "Q": 100})],
)
def test_the_size_is_that_of_the_picture(size: tuple[int, int], ending: str, options: dict[str, Any]) -> None:
    picture = pyvips.Image.black(*size, bands=3).copy(interpretation="srgb")
    assert size_of(picture.write_to_buffer(ending, **options)) == size


@pytest.mark.parametrize("size", [(1, 1), (1200, 630), (3, 16_383)])
@pytest.mark.parametrize(("options", "header"), [({"keep": "none"}, b"VP8 "), ({"profile": "srgb"}, b"VP8X")])
def test_webp_has_one_of_two_headers(size: tuple[int, int], options: dict[str, str], header: bytes) -> None:
    picture = pyvips.Image.black(*size, bands=3).copy(interpretation="srgb")
    packed = bytes(picture.write_to_buffer(".webp", **options))
    assert (packed[12:16], size_of(packed)) == (header, size)


def test_a_lossless_webp_is_refused() -> None:
    with pytest.raises(ValueError, match="lossy"):
        size_of(pyvips.Image.black(3, 3, bands=3).write_to_buffer(".webp", lossless=True, keep="none"))


@pytest.mark.parametrize("end", [0, 2, 4, 20])
@pytest.mark.parametrize("ending", [".png", ".jpg", ".webp"])
def test_a_picture_that_breaks_off_is_refused(ending: str, end: int) -> None:
    picture = bytes(pyvips.Image.black(10, 10, bands=3).write_to_buffer(ending))
    with pytest.raises(ValueError, match=r"breaks off|neither|no lossy"):
        size_of(picture[:end])


def test_another_file_is_refused() -> None:
    with pytest.raises(ValueError, match="neither"):
        size_of(b"%PDF-1.7\n1 0 obj")

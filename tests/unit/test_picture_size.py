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


@pytest.mark.parametrize("end", [0, 2, 4, 20])
@pytest.mark.parametrize("ending", [".png", ".jpg"])
def test_a_picture_that_breaks_off_is_refused(ending: str, end: int) -> None:
    picture = bytes(pyvips.Image.black(10, 10, bands=3).write_to_buffer(ending))
    with pytest.raises(ValueError, match=r"breaks off|neither"):
        size_of(picture[:end])


def test_another_file_is_refused() -> None:
    with pytest.raises(ValueError, match="neither"):
        size_of(b"%PDF-1.7\n1 0 obj")

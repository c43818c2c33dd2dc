"""Images that show nothing."""

from __future__ import annotations

import asyncio

import pyvips

from services.renderer.engine.model import Rendered

# A file of one colour is far smaller than that of any picture; only such are looked into. Bytes a pixel, and beside.
_BYTES_OF_PIXEL = {"image/png": 1 / 150, "image/webp": 1 / 250, "image/jpeg": 1 / 75}
_BYTES_BESIDE = 1_500
# What a lossy encoder makes of one colour differs by a little.
_NOISE = {"image/png": 0, "image/webp": 4, "image/jpeg": 4}


async def has_one_colour(rendered: Rendered) -> bool:
    """Whether all pixels of an image are the same."""
    most = rendered.width * rendered.height * _BYTES_OF_PIXEL[rendered.content_type] + _BYTES_BESIDE
    noise = _NOISE[rendered.content_type]
    return len(rendered.data) <= most and await asyncio.to_thread(_spread, rendered.data) <= noise


def _spread(data: bytes) -> float:
    """How far the pixel that is furthest from the first is from it, of 255."""
    image = pyvips.Image.new_from_buffer(data, "")
    return float((image - image(0, 0)).abs().max())

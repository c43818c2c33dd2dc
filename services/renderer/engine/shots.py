"""Pictures of what a tab shows."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from services.renderer.engine.encode import too_large
from services.renderer.engine.options import MAX_BYTES, Image
from services.renderer.engine.tab import Tab

# Of much larger ones Chromium leaves parts white without a word, and its driver dies of the message they come in.
STRIP_PIXELS = 16_000_000
# Of strips as Chromium packs them, in haste. They are all held until they are packed better.
MOST_BYTES = 2 * MAX_BYTES


async def shoot(tab: Tab, wanted: Image, options: dict[str, Any]) -> list[bytes]:
    """Capture the tab as strips from top to bottom; one, unless the picture is very large.

    Args:
        tab: shows the page at its size.
        wanted: the picture.
        options: what `Page.captureScreenshot` is told beside where.

    Raises:
        ProtocolError: Chromium does not do it.
        RenderError: RESOURCE_LIMIT for strips that are far larger than an output may be.
    """
    strips: list[bytes] = []
    for where in _strips(wanted):
        shot = await tab.send("Page.captureScreenshot", captureBeyondViewport=False, **options, **where)
        strips.append(base64.b64decode(shot["data"]))
        if sum(map(len, strips)) > MOST_BYTES:
            raise too_large()
    return strips


def is_one_strip(wanted: Image) -> bool:
    """Whether the picture is captured in one piece."""
    width, height = wanted.pixels
    return width * height <= STRIP_PIXELS


def _strips(wanted: Image) -> Iterator[dict[str, Any]]:
    if is_one_strip(wanted):
        yield {}
        return
    width, height = wanted.pixels
    rows = max(STRIP_PIXELS // width, 1)
    # In CSS pixels, from one whole device pixel to another, so that strips meet.
    for top in range(0, height, rows):
        until = min(top + rows, height)
        clip = {"x": 0, "y": top / wanted.scale, "width": wanted.width, "height": (until - top) / wanted.scale}
        yield {"clip": {**clip, "scale": 1}}

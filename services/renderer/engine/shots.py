"""Pictures of what a tab shows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pyvips

from services.renderer.engine.encode import too_large
from services.renderer.engine.frames import Frames
from services.renderer.engine.model import Budget
from services.renderer.engine.options import MAX_BYTES, Image, Pdf
from services.renderer.engine.picture_size import size_of
from services.renderer.engine.tab import ProtocolError, Tab

# Of much larger ones Chromium leaves parts white without a word; and each has to fit into one message.
STRIP_PIXELS = 16_000_000
# Of strips as Chromium packs them, in haste. They are all held until they are packed better.
MOST_BYTES = 2 * MAX_BYTES
# Of what is looked at once, if ever: large enough to be read, and some tens of kilobytes.
_GLANCE_SIDE, _GLANCE_QUALITY = 1400, 70
# A page that is new, or was of another size, may need a frame for itself, and on a busy machine seconds for that.
_FRAMES_AT_ONCE, _MOST_FRAMES = 3, 15
_FIRST_PAUSE_SECONDS = 0.002
# The colour beneath documents.
_BENEATH = "Emulation.setDefaultBackgroundColorOverride"


async def shoot(tab: Tab, wanted: Image, options: dict[str, Any], budget: Budget) -> list[bytes]:
    """Capture the tab as strips from top to bottom; one, unless the picture is very large.

    Args:
        tab: shows the page at its size.
        wanted: the picture.
        options: the format, as Chromium is told it.
        budget: does not count the wait for other pages.

    Raises:
        ProtocolError: Chromium does not do it.
        RenderError: RESOURCE_LIMIT for strips that are far larger than an output may be.
    """
    if tab.frames is not None:
        return [await _frame(tab, tab.frames, wanted.pixels, options, budget)]
    strips: list[bytes] = []
    # A page that is captured beyond its viewport is laid out for the viewport all the same.
    beyond = wanted.area is not None
    if wanted.transparent:
        await tab.send(_BENEATH, color={"r": 0, "g": 0, "b": 0, "a": 0})
    for where in _strips(wanted):
        shot = await tab.send("Page.captureScreenshot", captureBeyondViewport=beyond, **options, **where)
        strips.append(shot["data"])
        if sum(map(len, strips)) > MOST_BYTES:
            raise too_large()
    if wanted.transparent:
        # White again. A tab that does not come here serves nothing else.
        await tab.send(_BENEATH)
    return strips


async def glance(tab: Tab, wanted: Image | Pdf) -> bytes:
    """A small JPEG of a tab's viewport as it is now, for people.

    Raises:
        ProtocolError: Chromium does not do it.
    """
    picture = {"format": "jpeg", "quality": _GLANCE_QUALITY}
    scale = wanted.scale if isinstance(wanted, Image) else 1
    smaller = min(_GLANCE_SIDE / (max(wanted.width, wanted.height) * scale), 1)
    if tab.frames is None:
        clip = {"x": 0, "y": 0, "width": wanted.width, "height": wanted.height, "scale": smaller}
        return bytes((await tab.send("Page.captureScreenshot", clip=clip, **picture))["data"])
    whole = await _frame(tab, tab.frames, (wanted.width, wanted.height), picture)
    return await asyncio.to_thread(_shrunk, whole) if smaller < 1 else whole


def _shrunk(picture: bytes) -> bytes:
    small = pyvips.Image.thumbnail_buffer(picture, _GLANCE_SIDE, height=_GLANCE_SIDE)
    return bytes(small.jpegsave_buffer(Q=_GLANCE_QUALITY))


def is_one_frame(wanted: Image) -> bool:
    """Whether the picture is what a page of its size shows at once, a device pixel for a CSS pixel."""
    # A frame that is asked for comes without device pixels of another size.
    elsewhere = wanted.selector or wanted.full_page or wanted.transparent or wanted.scale != 1
    return is_one_strip(wanted) and not elsewhere


async def _frame(
    tab: Tab, frames: Frames, size: tuple[int, int], options: dict[str, Any], budget: Budget | None = None
) -> bytes:
    for count in range(_MOST_FRAMES):
        if count >= _FRAMES_AT_ONCE:
            await asyncio.sleep(_FIRST_PAUSE_SECONDS * 2 ** (count - _FRAMES_AT_ONCE))
        answer = await frames.take(lambda: tab.send("HeadlessExperimental.beginFrame", screenshot=options), budget)
        data = bytes(answer.get("screenshotData", b""))
        if data and size_of(data) == size:
            return data
    raise ProtocolError("no frame has the size of the page")


def is_one_strip(wanted: Image) -> bool:
    """Whether the picture is captured in one piece."""
    width, height = wanted.pixels
    return width * height <= STRIP_PIXELS


def _strips(wanted: Image) -> Iterator[dict[str, Any]]:
    if is_one_strip(wanted) and wanted.area is None:
        yield {}
        return
    width, height = wanted.pixels
    left, first = (wanted.area.left, wanted.area.top) if wanted.area else (0, 0)
    rows = max(STRIP_PIXELS // width, 1)
    # In CSS pixels, from one whole device pixel to another, so that strips meet.
    across = {"x": left / wanted.scale, "width": width / wanted.scale if wanted.area else wanted.width}
    for top in range(0, height, rows):
        until = min(top + rows, height)
        down = {"y": (first + top) / wanted.scale, "height": (until - top) / wanted.scale}
        yield {"clip": {**across, **down, "scale": 1}}

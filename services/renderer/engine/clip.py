"""Which part of a page an image shows, once the page is laid out."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from services.renderer.engine.model import ErrorCode, RenderError
from services.renderer.engine.options import MAX_SIDE, Area, Image
from services.renderer.engine.tab import Tab


async def located(tab: Tab, wanted: Image) -> Image:
    """The image with its area, where it is one of an element or of the whole page.

    Raises:
        RenderError: TEMPLATE_ERROR when nothing fits the selector or it has no size, RESOURCE_LIMIT when the area is
            larger than an image may be.
    """
    if wanted.selector:
        return replace(wanted, area=_around(await _box(tab, wanted.selector), wanted))
    if wanted.full_page:
        metrics = await tab.send("Page.getLayoutMetrics")
        return replace(wanted, area=_whole(metrics["cssContentSize"], wanted))
    return wanted


async def _box(tab: Tab, selector: str) -> dict[str, float]:
    answer: dict[str, Any] = await tab.ask("box", selector)
    if answer.get("invalid"):
        raise RenderError(ErrorCode.TEMPLATE_ERROR, f"The selector {selector!r} is not one that the browser knows.")
    if not answer.get("found"):
        raise RenderError(ErrorCode.TEMPLATE_ERROR, f"No element of the document fits the selector {selector!r}.")
    return answer


def _around(box: dict[str, float], wanted: Image) -> Area:
    """The whole device pixels that a box touches; what lies before the page's corner is no part of it."""
    left, top = (max(math.floor(_pixels(box[side], wanted)), 0) for side in ("left", "top"))
    right, bottom = (math.ceil(_pixels(box[side], wanted)) for side in ("right", "bottom"))
    # A box without a width touches no pixel, wherever it lies.
    if right <= left or bottom <= top or box["right"] <= box["left"] or box["bottom"] <= box["top"]:
        raise RenderError(
            ErrorCode.TEMPLATE_ERROR, f"The first element that fits the selector {wanted.selector!r} has no size."
        )
    area = Area(left, top, right - left, bottom - top)
    size = f"{area.width / wanted.scale:g} by {area.height / wanted.scale:g}"
    if max(area.width, area.height) > MAX_SIDE * wanted.scale:
        raise RenderError(
            ErrorCode.RESOURCE_LIMIT,
            f"The element that fits the selector {wanted.selector!r} has {size} CSS pixels; "
            f"at most {MAX_SIDE} by {MAX_SIDE} are allowed.",
        )
    return area


def _whole(content: dict[str, float], wanted: Image) -> Area:
    """The page from its top to its end, as wide as the viewport."""
    height = max(content["height"], wanted.height)
    if height > MAX_SIDE:
        raise RenderError(
            ErrorCode.RESOURCE_LIMIT,
            f"The document is {height:g} CSS pixels high; an image of the full page may have {MAX_SIDE}.",
        )
    return Area(0, 0, *replace(wanted, height=math.ceil(height)).pixels)


def _pixels(length: float, wanted: Image) -> float:
    # Layout counts in 64ths of a pixel; what is closer to a whole number than that is one.
    pixels = length * wanted.scale
    return round(pixels) if abs(pixels - round(pixels)) < 1 / 128 else pixels

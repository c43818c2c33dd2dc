"""Deckle's page options, as a request has them, seen in the PDF that comes of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from PIL import Image, ImageChops

from services.gateway.models.deckle import GenerationBody
from services.gateway.translate.deckle import item_spec
from services.renderer.engine.engine import Engine
from tests.support.pdfs import opened, pages_of, raster
from tests.support.renderer import render, running_engine

MM = 72 / 25.4
A4, LETTER, LEGAL = (210 * MM, 297 * MM), (612, 792), (612, 1008)
BLUE = "<style>body{margin:0}div{background:#00f;height:100vh}</style><div></div>"
TWO = "<p style='color:#0a0'>first</p><p style='break-before:page'>second</p>"
Box = tuple[int, int, int, int]
Colour = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
PURE_BLUE: Colour = ((0, 0), (0, 0), (255, 255))
RED: Colour = ((200, 255), (0, 119), (0, 119))


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with running_engine() as running:
        yield running


async def generated(engine: Engine, html: str, options: dict[str, Any]) -> bytes:
    body = GenerationBody.model_validate({"html": html, "options": options})
    return (await render(engine, html, item_spec(body).output)).data


def size(data: bytes) -> tuple[float, float]:
    with opened(data) as document:
        left, bottom, right, top = (float(str(side)) for side in document.pages[0].mediabox)
        return right - left, top - bottom


def box(picture: Image.Image, colour: Colour) -> Box | None:
    """Where a colour is, given the least and most of each channel: left, top, right, bottom."""
    masks = [
        channel.point([255 * (low <= value <= high) for value in range(256)])
        for channel, (low, high) in zip(picture.split(), colour, strict=True)
    ]
    return ImageChops.darker(ImageChops.darker(masks[0], masks[1]), masks[2]).getbbox()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, A4),
        ({"format": "A4", "orientation": "landscape"}, A4[::-1]),
        ({"format": "Letter"}, LETTER),
        ({"format": "Letter", "orientation": "landscape"}, LETTER[::-1]),
        ({"format": "Legal"}, LEGAL),
        ({"format": "Legal", "orientation": "landscape"}, LEGAL[::-1]),
        ({"format": {"width": "100mm", "height": "5cm"}}, (100 * MM, 50 * MM)),
        ({"format": {"width": "4in", "height": 480}, "orientation": "landscape"}, (360, 288)),
        ({"format": {"width": "36pc", "height": "144pt"}}, (432, 144)),
    ],
)
async def test_paper_and_orientation(engine: Engine, options: dict[str, Any], expected: tuple[float, float]) -> None:
    # The document's own @page gives way.
    data = await generated(engine, "<style>@page { size: A5 landscape }</style>x", options)
    assert size(data) == pytest.approx(expected, abs=1)


@pytest.mark.parametrize(
    ("margin", "expected"),
    [
        (None, (0, 0, 0, 0)),
        ("1in", (72, 72, 72, 72)),
        (48, (36, 36, 36, 36)),
        ({"top": "10pt", "right": "20pt", "bottom": "1cm", "left": "4pc"}, (48, 10, 20, 28)),
        ({"left": "2in"}, (144, 0, 0, 0)),
    ],
)
async def test_margins(engine: Engine, margin: Any, expected: Box) -> None:
    options = {"format": "Letter"} | ({"margin": margin} if margin is not None else {})
    found = box(raster(await generated(engine, BLUE, options)), PURE_BLUE)
    assert found is not None
    left, top, right, bottom = expected
    assert found == pytest.approx((left, top, 612 - right, 792 - bottom), abs=1)


async def test_header_and_footer_on_every_page(engine: Engine) -> None:
    options = {
        "header": "<b style='color:#f00'>Kopf</b>",
        "footer": "<i>Page {{pageNumber}} of {{ totalPages }}</i>",
        "margin": {"top": "2cm", "bottom": "2cm"},
    }
    data = await generated(engine, TWO, options)
    for number, (text, body) in enumerate(zip(pages_of(data), ("first", "second"), strict=True), start=1):
        assert text.split() == ["Kopf", body, "Page", str(number), "of", "2"]
        red = box(raster(data, number), RED)
        assert red is not None
        assert red[3] < 2 * 10 * MM


async def test_a_header_has_room_without_a_margin(engine: Engine) -> None:
    options = {"header": "<p>Kopf</p>", "format": "A4"}
    found = box(raster(await generated(engine, BLUE, options)), PURE_BLUE)
    assert found is not None
    assert found[1] == pytest.approx(15 * MM, abs=1)


async def test_backgrounds_are_printed_unless_they_are_not_wanted(engine: Engine) -> None:
    document = "<body style='margin:0;background:#00f'><p style='color:#f00;font:bold 60px sans-serif'>MMM"
    with_it = raster(await generated(engine, document, {}))
    without = raster(await generated(engine, document, {"printBackground": False}))
    assert box(with_it, PURE_BLUE)
    assert box(without, PURE_BLUE) is None
    assert with_it.getpixel((300, 600)) == (0, 0, 255)
    assert without.getpixel((300, 600)) == (255, 255, 255)
    # Colours of text stay.
    assert box(without, RED)

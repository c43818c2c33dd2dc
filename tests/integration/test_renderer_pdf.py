"""PDFs that real Chromium prints, read back with other tools."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image
from pypdf import PdfReader

from services.renderer.engine.engine import Engine
from services.renderer.engine.model import ErrorCode, Rendered, RenderError
from tests.support.renderer import STRICT, pdf, render, running_engine, source

MM = 72 / 25.4
FULL = "<!doctype html><style>*{margin:0}html,body{height:100%;background:#ff0000}</style>Text"


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with running_engine() as running:
        yield running


async def run(*command: str, stdin: bytes) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await asyncio.wait_for(process.communicate(stdin), 30)
    assert process.returncode == 0
    return out


async def text(rendered: Rendered) -> str:
    return (await run("pdftotext", "-layout", "-", "-", stdin=rendered.data)).decode()


async def size(rendered: Rendered) -> tuple[float, float]:
    info = (await run("pdfinfo", "-", stdin=rendered.data)).decode()
    match = re.search(r"Page size:\s+([\d.]+) x ([\d.]+) pts", info)
    assert match, info
    return float(match[1]), float(match[2])


async def raster(rendered: Rendered, tmp_path: Path) -> Image.Image:
    """The first page at one pixel a point."""
    file = tmp_path / "page.pdf"
    file.write_bytes(rendered.data)
    out = await run("pdftoppm", "-r", "72", "-png", "-f", "1", "-l", "1", str(file), stdin=b"")
    return Image.open(io.BytesIO(out)).convert("RGB")


def close(actual: tuple[float, float], expected: tuple[float, float]) -> bool:
    return all(abs(a - b) < 1.5 for a, b in zip(actual, expected, strict=True))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (210 * MM, 297 * MM)),
        ({"landscape": True}, (297 * MM, 210 * MM)),
        ({"width": "8.5in", "height": "11in"}, (612, 792)),
        ({"width": "8.5in", "height": "11in", "landscape": True}, (792, 612)),
        ({"width": "100mm", "height": "50mm"}, (100 * MM, 50 * MM)),
        ({"width": "480px", "height": "10cm"}, (360, 100 * MM)),
    ],
)
async def test_page_size(engine: Engine, options: dict[str, str | bool], expected: tuple[float, float]) -> None:
    rendered = await render(engine, FULL, pdf(**options))
    assert close(await size(rendered), expected)
    assert (rendered.content_type, rendered.pages, rendered.width) == ("application/pdf", 1, 0)


async def test_the_documents_own_page_size_counts_when_none_is_given(engine: Engine) -> None:
    document = "<style>@page{size:100mm 60mm}</style>x"
    assert close(await size(await render(engine, document, pdf())), (100 * MM, 60 * MM))
    given = pdf(width="210mm", height="297mm")
    assert close(await size(await render(engine, document, given)), (210 * MM, 297 * MM))
    turned = pdf(width="210mm", height="297mm", landscape=True)
    upright = "<style>@page{size:A5 portrait}</style>x"
    assert close(await size(await render(engine, upright, turned)), (297 * MM, 210 * MM))


async def test_no_margin_by_default_and_each_margin_on_its_side(engine: Engine, tmp_path: Path) -> None:
    page = {"width": "200pt", "height": "100pt"}
    full = await raster(await render(engine, FULL, pdf(**page)), tmp_path)
    assert full.getpixel((1, 98)) == (255, 0, 0)
    margins = {"margin_top": "10pt", "margin_right": "20pt", "margin_bottom": "30pt", "margin_left": "40pt"}
    framed = await raster(await render(engine, FULL, pdf(**page, **margins)), tmp_path)
    # Body height is that of a page without its margins; the canvas is painted with the background in them too.
    rendered = await render(
        engine, "<style>body{margin:0}div{height:60pt;background:#00f}</style><div></div>", pdf(**page, **margins)
    )
    framed = await raster(rendered, tmp_path)
    blue = [(x, y) for x in range(200) for y in range(100) if framed.getpixel((x, y)) == (0, 0, 255)]
    xs, ys = [x for x, _ in blue], [y for _, y in blue]
    for actual, expected in zip((min(xs), max(xs), min(ys), max(ys)), (40, 179, 10, 69), strict=True):
        assert abs(actual - expected) <= 1


async def test_backgrounds_can_be_left_out(engine: Engine, tmp_path: Path) -> None:
    shown = await raster(await render(engine, FULL, pdf()), tmp_path)
    hidden = await raster(await render(engine, FULL, pdf(omit_background=True)), tmp_path)
    assert shown.getpixel((300, 400)) == (255, 0, 0)
    assert hidden.getpixel((300, 400)) == (255, 255, 255)


@pytest.mark.parametrize("pages", [1, 3, 40])
async def test_pages_are_counted(engine: Engine, pages: int) -> None:
    # The title would mislead a reader who only looks for the words.
    title = "<title>/Type /Pages /Count 777 endobj trailer /Root 1 0 R</title>"
    body = "<div style='break-after:page'>x</div>" * (pages - 1)
    rendered = await render(engine, title + body + "<p>end", pdf())
    assert rendered.pages == pages == len(PdfReader(io.BytesIO(rendered.data)).pages)


async def test_too_many_pages(engine: Engine) -> None:
    with pytest.raises(RenderError, match="more than 2000 pages") as caught:
        await render(engine, "<div style='break-after:page'>x</div>" * 2000 + "<p>end", pdf())
    assert caught.value.code == "RESOURCE_LIMIT"


async def test_header_and_footer(engine: Engine, tmp_path: Path) -> None:
    options = pdf(
        header_html="<span style='color:#f00'>Kopf é 漢</span>",
        footer_html="Page {{pageNumber}} of {{totalPages}} / <span class=pageNumber></span>",
    )
    rendered = await render(engine, "<p style='break-after:page'>one</p><p>two</p>", options)
    pages = (await text(rendered)).split("\f")
    assert "Kopf é" in pages[0]
    assert "漢" in pages[0]
    assert "Page 1 of 2 / 1" in pages[0]
    assert "Page 2 of 2 / 2" in pages[1]
    first = await raster(rendered, tmp_path)
    red = [y for y in range(first.height) for x in range(150) if is_red(first.getpixel((x, y)))]
    assert red, "the header is too small or colourless"
    assert max(red) - min(red) >= 5
    assert max(red) < 43, "the header leaves its margin"


def is_red(colour: object) -> bool:
    assert isinstance(colour, tuple)
    return bool(colour[0] > 200 and colour[1] < 120)


async def test_only_a_header_prints_no_footer_of_chromiums(engine: Engine) -> None:
    printed = await text(await render(engine, "<title>T</title><p>body", pdf(header_html="top")))
    assert printed.split() == ["top", "body"]


async def test_text_is_text(engine: Engine) -> None:
    document = source("<p>{{name}}</p>", STRICT)
    rendered = await render(engine, document, pdf(), data='{"name": "Zoë & 漢字 <b>"}')
    assert "".join((await text(rendered)).split()) == "Zoë&漢字<b>"


async def test_margins_without_room_are_explained(engine: Engine) -> None:
    with pytest.raises(RenderError, match="margins") as caught:
        await render(engine, "x", pdf(width="5cm", height="5cm", margin_top="3cm", margin_bottom="3cm"))
    assert caught.value.code == "TEMPLATE_ERROR"


@pytest.mark.parametrize(
    "loading",
    [
        "<link rel=stylesheet href='https://styles.example/a.css'>",
        "<style>@import url(https://styles.example/a.css);</style>",
        "<style>@font-face{font-family:x;src:url(https://styles.example/x.woff2)}b{font-family:x}</style>",
    ],
)
@pytest.mark.parametrize("script", ["", "<script></script>"])
async def test_a_header_that_loads_something_is_told_so(engine: Engine, loading: str, script: str) -> None:
    with pytest.raises(RenderError, match=r"The header or footer cannot be printed: .* can load nothing") as caught:
        await render(engine, f"<p>body{script}", pdf(footer_html=f"{loading}<b>Total</b>"))
    assert caught.value.code == ErrorCode.TEMPLATE_ERROR


async def test_a_header_with_a_style_sheet_of_its_own(engine: Engine) -> None:
    header = "<link rel=stylesheet href='data:text/css,b{text-transform:uppercase}'><b>total</b>"
    assert "TOTAL" in await text(await render(engine, "<p>body", pdf(header_html=header)))


async def test_scripts_in_a_header_do_not_run_in_the_warm_page(engine: Engine) -> None:
    header = "<span id=h>still</span><img src=x onerror=\"document.getElementById('h').textContent='ran'\">"
    assert (await render(engine, "<p>body", pdf(header_html=header))).pages == 1
    printed = await text(await render(engine, "<p>after", pdf()))
    assert printed.split() == ["after"]


async def test_weights_that_are_one_file_are_one_font(engine: Engine) -> None:
    spans = "".join(f"<p style='font-weight: {weight}'>Weight {weight}" for weight in (300, 400, 500, 600, 700))
    rendered = await render(engine, f"<body style='font-family: Noto Sans'>{spans}", pdf())
    fonts = (await run("pdffonts", "-", stdin=rendered.data)).decode().splitlines()[2:]
    assert sorted(font.split()[0].partition("+")[2] for font in fonts) == ["NotoSans-Bold", "NotoSans-Regular"]

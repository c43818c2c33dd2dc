"""Images that real Chromium takes: formats, sizes, pixels, waiting."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pyvips
from PIL import Image

from pressline.batch.v1.batch_pb2 import FORMAT_JPEG, FORMAT_PNG, FORMAT_WEBP, Format
from services.renderer.engine.engine import Engine
from tests.support.renderer import image, picture, pixel, render, running_engine, source

QUARTERS = """<!doctype html><style>*{margin:0} div{position:absolute;width:50vw;height:50vh}</style>
<div style="background:#f00"></div><div style="background:#0f0;left:50vw"></div>
<div style="background:#00f;top:50vh"></div><div style="background:#ff0;left:50vw;top:50vh"></div>"""

OWN_FONT = Path("/usr/share/fonts/truetype/liberation/LiberationMono-Bold.ttf")


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with running_engine() as running:
        yield running


def near(actual: tuple[int, ...], expected: tuple[int, ...], tolerance: int) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(actual, expected, strict=True))


@pytest.mark.parametrize(
    ("format_", "name", "tolerance"),
    [(FORMAT_PNG, "PNG", 0), (FORMAT_JPEG, "JPEG", 6), (FORMAT_WEBP, "WEBP", 6)],
)
async def test_formats_and_pixels(engine: Engine, format_: Format.ValueType, name: str, tolerance: int) -> None:
    rendered = await render(engine, QUARTERS, image(200, 100, format_=format_))
    opened = Image.open(io.BytesIO(rendered.data))
    assert (opened.format, opened.size) == (name, (200, 100))
    assert (rendered.width, rendered.height, rendered.pages) == (200, 100, 0)
    assert rendered.content_type == f"image/{name.lower()}"
    corners = {(50, 25): (255, 0, 0), (150, 25): (0, 255, 0), (50, 75): (0, 0, 255), (150, 75): (255, 255, 0)}
    for (x, y), colour in corners.items():
        assert near(pixel(rendered, x, y), colour, tolerance), (x, y, pixel(rendered, x, y))


@pytest.mark.parametrize("scale", [0.5, 1.5, 2, 3])
async def test_width_and_height_are_device_pixels(engine: Engine, scale: float) -> None:
    rendered = await render(engine, QUARTERS, image(200, 100, scale))
    assert picture(rendered).size == (rendered.width, rendered.height) == (200 * scale, 100 * scale)
    assert pixel(rendered, rendered.width - 1, rendered.height - 1) == (255, 255, 0)


async def test_the_largest_image(engine: Engine) -> None:
    rendered = await render(engine, QUARTERS, image(4000, 4000, 3))
    opened = pyvips.Image.new_from_buffer(rendered.data, "")
    assert (opened.width, opened.height) == (rendered.width, rendered.height) == (12_000, 12_000)
    assert opened(11_999, 11_999) == [255, 255, 0]


@pytest.mark.parametrize("format_", [FORMAT_JPEG, FORMAT_WEBP])
async def test_quality_makes_smaller_files(engine: Engine, format_: Format.ValueType) -> None:
    noise = "<body style='background:repeating-radial-gradient(circle,#f00,#0ff 3px,#ff0 7px)'>"
    sizes = [
        len((await render(engine, noise, image(400, 300, format_=format_, quality=quality))).data)
        for quality in (0.1, 0.5, 1)
    ]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[2] / 2


async def test_webp_of_the_best_quality_is_lossy_too(engine: Engine) -> None:
    rendered = await render(engine, QUARTERS, image(200, 100, format_=FORMAT_WEBP, quality=1))
    assert b"VP8 " in rendered.data[:1000]
    assert b"VP8L" not in rendered.data


async def test_pages_are_white_and_opaque_beneath(engine: Engine) -> None:
    rendered = await render(engine, "<p>x")
    assert pixel(rendered, 199, 99) == (255, 255, 255)
    assert Image.open(io.BytesIO(rendered.data)).mode == "RGB"


async def test_items_in_turn_show_nothing_of_each_other(engine: Engine) -> None:
    for index in range(12):
        colour = (index * 20, 255 - index * 20, 128)
        rendered = await render(engine, f"<body style='background:rgb{colour}'>", image(50 + index, 40))
        assert picture(rendered).size == (50 + index, 40)
        assert pixel(rendered, 25, 20) == colour


async def test_accents_cjk_and_emoji_are_drawn(engine: Engine) -> None:
    style = "<body style='margin:0;font:60px serif'>"
    blank = picture(await render(engine, style + "\u25a1", image(100, 100)))
    seen = [list(blank.convert("L").tobytes())]
    for character in ("é", "漢", "한", "ب", "😀"):
        drawn = picture(await render(engine, style + character, image(100, 100)))
        ink = list(drawn.convert("L").tobytes())
        assert min(ink) < 200, character
        assert ink not in seen, f"{character} looks like another character or an empty box"
        seen.append(ink)
    red, green, blue = picture(await render(engine, style + "😀", image(100, 100))).split()
    assert red.tobytes() != blue.tobytes()
    assert green.tobytes() != blue.tobytes()


async def test_images_are_decoded_before_the_capture(engine: Engine) -> None:
    data = io.BytesIO()
    Image.effect_noise((1500, 1000), 90).convert("RGB").point(lambda value: value // 4).save(data, "PNG")
    url = "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()
    for markup in (
        f"<img src='{url}' width=200 height=100>",
        f"<img loading=lazy src='{url}' width=200 height=100>",
        f"<body style=\"background:url('{url}') 0 0/200px 100px\">",
        f"<script></script><img src='{url}' width=200 height=100>",
    ):
        rendered = await render(engine, "<style>*{margin:0}</style>" + markup)
        assert max(pixel(rendered, 100, 50)) < 80, markup[:20]


async def test_fonts_are_there_before_the_capture(engine: Engine) -> None:
    url = "data:font/ttf;base64," + base64.b64encode(await asyncio.to_thread(OWN_FONT.read_bytes)).decode()
    style = f"<style>@font-face{{font-family:Own;src:url({url})}} body{{margin:0;font:40px Own,serif}}</style>"
    own = await render(engine, style + "iiiiWWWW")
    fallback = await render(engine, "<style>body{margin:0;font:40px serif}</style>iiiiWWWW")
    assert own.data != fallback.data
    assert own.data == (await render(engine, style + "<script></script>iiiiWWWW")).data


async def test_styles_are_appended_to_the_head(engine: Engine) -> None:
    styles = "body{background:#123456 !important}"
    for body in ("fragment", "<!doctype html><html><head><style>body{background:red}</style></head><body>x", ""):
        assert pixel(await render(engine, source(body, styles=styles)), 150, 90) == (0x12, 0x34, 0x56)


async def test_styles_keep_the_rendering_mode(engine: Engine) -> None:
    # Only in quirks mode does a share of an unknown height mean the viewport's.
    box = "<body><div style='height:100%;background:#000'></div>"
    for doctype, colour in (("<!doctype html>", (255, 255, 255)), ("", (0, 0, 0))):
        assert pixel(await render(engine, source(doctype + box, styles="body{margin:0}")), 100, 50) == colour


async def test_a_page_can_hold_the_capture_back(engine: Engine) -> None:
    document = """<script>window.pressline.ready(new Promise((done) => setTimeout(() => {
      document.body.style.background = "#00ff00"; done(); }, 400)))</script><body style="background:red">"""
    assert pixel(await render(engine, document), 100, 50) == (0, 255, 0)

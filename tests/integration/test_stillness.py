"""What moves on a screen is still in a file, and the same in every one."""

from __future__ import annotations

import base64
import io
from collections.abc import AsyncIterator

import pytest
from PIL import Image

from services.renderer.engine.engine import Engine
from tests.support.pdfs import raster
from tests.support.renderer import image, pdf, pixel, render, running_engine

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 128, 0), (0, 0, 255), (255, 255, 255)
FAST, STRICT = "<!doctype html>", "<!doctype html><script></script>"
STYLE = "<style>body{margin:0}div{width:100px;height:100px;background:red}%s</style>"
BOX = STYLE + "<div></div>"
APPEAR = "@keyframes a{from{opacity:0}to{opacity:1}}"
GREENER = "@keyframes a{from{background:white}to{background:green}}"
BESIDE = "div{width:0}div::after{content:'';position:absolute;border:50px solid red;animation:a 900s}"
HIDDEN = ("adoptedStyleSheets", "activeElement", "body", "defaultView", "documentElement", "fonts", "getAnimations")
# Far longer than any item may take: nothing here is right because it had the time.
MOVING = {
    "ends as it would end": (BOX % f"{APPEAR}div{{animation:a 900s}}", RED),
    "ends where it is to stay": (BOX % f"{GREENER}div{{animation:a 900s forwards}}", GREEN),
    "has not begun": (BOX % f"{GREENER}div{{animation:a 1s 900s both}}", GREEN),
    "ends after some rounds": (BOX % f"{GREENER}div{{animation:a 300s 3 alternate forwards}}", GREEN),
    "has no end": (BOX % f"{GREENER}div{{animation:a 900s infinite}}", RED),
    "is paused": (BOX % f"{GREENER}div{{animation:a 900s -900s both paused}}", GREEN),
    "is a transition": (BOX % "div{transition:all 900s}@starting-style{div{background:white}}", RED),
    "is of something generated": (BOX % f"{APPEAR}{BESIDE}", RED),
}


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with running_engine() as running:
        yield running


def moving_image(format_: str) -> str:
    """A data URI of an image that is red for a moment, then blue."""
    data = io.BytesIO()
    first, second = (Image.new("RGB", (100, 100), colour) for colour in (RED, BLUE))
    first.save(data, format_, save_all=True, append_images=[second], duration=[10, 60_000], loop=0, lossless=True)
    return f"data:image/{format_};base64,{base64.b64encode(data.getvalue()).decode()}"


@pytest.mark.parametrize("path", [FAST, STRICT], ids=["fast", "strict"])
@pytest.mark.parametrize("name", MOVING)
async def test_an_animation_that(engine: Engine, path: str, name: str) -> None:
    html, expected = MOVING[name]
    assert pixel(await render(engine, path + html), 50, 50) == expected
    printed = await render(engine, path + html, pdf())
    assert raster(printed.data).getpixel((30, 30)) == expected


@pytest.mark.parametrize("path", [FAST, STRICT], ids=["fast", "strict"])
@pytest.mark.parametrize("format_", ["gif", "webp", "png"])
async def test_a_moving_image_shows_its_first_picture(engine: Engine, path: str, format_: str) -> None:
    uri = moving_image(format_)
    for html in (f"<img src='{uri}'>", f"<div style=\"background:url('{uri}')\">"):
        assert pixel(await render(engine, path + STYLE % "" + html), 50, 50) == RED


@pytest.mark.parametrize("path", [FAST, STRICT], ids=["fast", "strict"])
async def test_a_moving_drawing_is_as_it_begins(engine: Engine, path: str) -> None:
    change = "<set attributeName='fill' to='blue' begin='0.01s'/>"
    drawing = f"<svg xmlns='http://www.w3.org/2000/svg' width='100' height='100'><rect width='100' height='100' fill='red'>{change}</rect></svg>"  # noqa: E501 - one element
    for html in (drawing, f'<img src="data:image/svg+xml,{drawing}">'):
        assert pixel(await render(engine, path + STYLE % "" + html), 50, 50) == RED


async def test_what_moves_in_a_frame_is_still_too(engine: Engine) -> None:
    inner = BOX % f"{APPEAR}div{{animation:a 900s}}"
    frame = f"<iframe style='border:0' width=100 height=100 srcdoc=\"{inner}\"></iframe>"
    assert pixel(await render(engine, f"{FAST}<body style='margin:0'>{frame}"), 50, 50) == RED


async def test_a_focus_of_its_own_is_the_same_on_every_page(engine: Engine) -> None:
    document = "<body><input autofocus value=text><p id=two tabindex=0 autofocus>x"
    pictures = [
        (await render(engine, path + document, image(), account=account)).data
        for account, path in (("one", FAST), ("one", FAST), ("one", FAST), ("two", STRICT), ("three", FAST))
    ]
    assert len(set(pictures)) == 1
    assert pictures[0] != (await render(engine, FAST + document.replace("autofocus", ""))).data


async def test_scripts_see_their_animations_end(engine: Engine) -> None:
    html = """<script>window.pressline.ready(new Promise((done) => addEventListener("load", () => {
      const box = document.querySelector("div");
      box.animate([{ background: "white" }, { background: "green" }], { duration: 9e5, fill: "forwards" });
      done();
    })))</script>"""
    assert pixel(await render(engine, FAST + BOX % "" + html), 50, 50) == GREEN


@pytest.mark.parametrize("path", [FAST, STRICT], ids=["fast", "strict"])
async def test_names_in_the_document_hide_nothing_of_it(engine: Engine, path: str) -> None:
    forms = "".join(f"<form name={name}></form>" for name in HIDDEN)
    html = BOX % f"{APPEAR}div{{animation:a 900s;text-combine-upright:all}}@page{{@top-left{{content:''}}}}" + forms
    html += "<form autofocus tabindex=0><input name=focus><input name=querySelectorAll></form>"
    assert pixel(await render(engine, path + html), 50, 50) == RED
    assert raster((await render(engine, path + html, pdf())).data).getpixel((30, 30)) == RED

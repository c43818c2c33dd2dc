"""Files against those of Chromium's own encoder, and browsers that draw only when they are asked to."""

from __future__ import annotations

import asyncio
import base64
import io
import random
from collections.abc import AsyncIterator

import psutil
import pytest
from PIL import Image

from pressline.batch.v1.batch_pb2 import FORMAT_PNG, OutputSpec
from services.renderer.engine.browser import Browser
from services.renderer.engine.engine import Engine
from tests.support.renderer import image, pdf, picture, render, running_engine

NO_FRAMES = "--enable-begin-frame-control"
SIZE = (600, 400)
SCRIPT = "<script></script>"


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with running_engine() as running:
        yield running


def photograph() -> str:
    """Soft shapes and grain, as a camera makes them."""
    source = random.Random(3)  # noqa: S311 - a picture, and no secret
    coarse = Image.frombytes("RGB", (24, 16), source.randbytes(24 * 16 * 3)).resize(SIZE, Image.Resampling.BICUBIC)
    grain = Image.frombytes("RGB", SIZE, source.randbytes(SIZE[0] * SIZE[1] * 3))
    file = io.BytesIO()
    Image.blend(coarse, grain, 0.08).save(file, "JPEG", quality=90)
    return f"<img src='data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}'>"


BARS = "".join(
    f"<rect x={20 * i} y={50 + 97 * i % 300} width=14 height=400 fill='hsl({i * 17},70%,50%)' />" for i in range(30)
)
KINDS = {
    "gradient": "<body style='background:linear-gradient(135deg,#0b1020,#3047a8 60%,#18c0c0)'><h1>Slope</h1>",
    "glow": "<body style='background:radial-gradient(circle at 20% 20%,#f0a,transparent 50%),#123'><h1>Glow</h1>",
    "photograph": f"<style>*{{margin:0}}</style>{photograph()}",
    "text": "<body style='font:13px serif;columns:2'>" + "<p>The quick brown fox jumps over the lazy dog. " * 60,
    "chart": f"<svg width=600 height=400>{BARS}<path d='M0 300C200 0 400 400 600 80' stroke=black fill=none />",
    "flat": "<body style='background:#f6f6f6'><h1>Hello</h1>",
}


async def as_chromium_packs_it(browser: Browser, document: str) -> bytes:
    tab = await browser.open(scripts=False)
    await tab.resize(*SIZE)
    await tab.send("Page.setDocumentContent", frameId=tab.frame, html=document)
    shot = await tab.send("Page.captureScreenshot", format="png", captureBeyondViewport=False)
    await tab.close()
    return bytes(shot["data"])


@pytest.fixture(scope="module")
async def drawing(engine: Engine) -> Browser:
    """A browser that draws by itself."""
    await render(engine, SCRIPT)
    return engine.browsers[0]


@pytest.mark.parametrize("kind", KINDS)
async def test_no_file_is_larger_than_chromiums(engine: Engine, drawing: Browser, kind: str) -> None:
    ours = await render(engine, KINDS[kind], image(*SIZE, format_=FORMAT_PNG))
    theirs = await as_chromium_packs_it(drawing, KINDS[kind])
    assert picture(ours).tobytes() == Image.open(io.BytesIO(theirs)).convert("RGB").tobytes()
    assert len(ours.data) <= len(theirs)


def without_frames(engine: Engine) -> list[bool]:
    return [NO_FRAMES in psutil.Process(browser.pid).cmdline() for browser in engine.browsers]


@pytest.mark.parametrize("output", [pdf(), image()])
async def test_only_documents_without_scripts_are_drawn_when_asked(output: OutputSpec) -> None:
    async with running_engine() as engine:
        await render(engine, "<p>plain", output)
        assert without_frames(engine) == [True]
        # What waits for a frame gets one.
        waits = "<p>x<script>pressline.ready(new Promise((done) => requestAnimationFrame(() => done())))</script>"
        await render(engine, waits, output)
        assert without_frames(engine) == [False, True]


async def test_both_ways_print_the_same(engine: Engine) -> None:
    document = (
        "<style>@page{size:A5}h1{break-after:page}</style><h1>One</h1><p>Two</p>" + KINDS["chart"] + KINDS["photograph"]
    )
    undrawn, drawn = await asyncio.gather(render(engine, document, pdf()), render(engine, document + SCRIPT, pdf()))
    assert undrawn.data == drawn.data

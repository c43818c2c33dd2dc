"""Documents that want more than one item gets: each fails by itself, and what comes next works."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import psutil
import pytest
import pyvips

from pressline.batch.v1.batch_pb2 import FORMAT_JPEG, FORMAT_PNG, FORMAT_WEBP, OutputSpec
from services.renderer.engine import capture, connection, encode, shots
from services.renderer.engine.engine import Engine
from services.renderer.engine.memory import measure
from services.renderer.engine.model import ErrorCode, RenderError
from services.renderer.engine.pdf import page_count
from tests.support.renderer import image, pdf, picture, pixel, render, running_engine

GREEN = (0, 255, 0)
GOOD = "<body style='background:#00ff00'>"
SECONDS = 20.0
# What starting two browsers and ending them may add on a slow machine.
SLACK_SECONDS = 40.0
NOISE = """<canvas id=c width=200 height=100></canvas><script>
  const x = c.getContext('2d'), d = x.createImageData(200, 100);
  for (let i = 0; i < d.data.length; i++) d.data[i] = i % 4 == 3 ? 255 : Math.random() * 256;
  x.putImageData(d, 0, 0)</script>"""
BOMBS = {
    "array": "<script>const a = []; for (;;) a.push(new Uint8Array(1 << 22).fill(1))</script>",
    "objects": "<script>const a = []; for (;;) a.push({ text: 'text ' + a.length, more: [a.length] })</script>",
    "canvas": """<script>const a = []; for (;;) { const c = document.createElement('canvas'); c.width = c.height = 4000;
        const x = c.getContext('2d'); x.fillRect(0, 0, 4000, 4000); x.getImageData(0, 0, 1, 1); a.push(c) }</script>""",
    "nodes": "<body><script>for (;;) document.body.append(document.createElement('p'))</script>",
    "table": "<table>" + "<tr><td>a<td>b<td>c</tr>" * 200_000 + "</table>",
}


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with running_engine(memory_mb=400) as running:
        yield running


async def assert_next_works(engine: Engine) -> None:
    assert pixel(await render(engine, GOOD, seconds=60), 100, 50) == GREEN


@pytest.mark.parametrize("bomb", BOMBS)
async def test_an_item_that_takes_too_much_memory_fails_alone(engine: Engine, bomb: str) -> None:
    started = time.monotonic()
    with pytest.raises(RenderError) as caught:
        await render(engine, BOMBS[bomb], seconds=SECONDS)
    # Twice: the second time alone.
    assert time.monotonic() - started < 2 * SECONDS + SLACK_SECONDS
    # A busy machine may not get as far as the limit in the time that there is.
    assert caught.value.code in {ErrorCode.RESOURCE_LIMIT, ErrorCode.RENDER_TIMEOUT}, caught.value
    await assert_next_works(engine)


async def test_what_shares_the_browser_of_a_bomb_is_rendered_all_the_same(engine: Engine) -> None:
    await assert_next_works(engine)
    waiting = GOOD + "<script>pressline.ready(new Promise((done) => setTimeout(done, 3000)))</script>"
    bomb = asyncio.create_task(render(engine, BOMBS["array"], seconds=120))
    neighbour = await render(engine, waiting, seconds=120)
    assert pixel(neighbour, 100, 50) == GREEN
    with pytest.raises(RenderError) as caught:
        await bomb
    assert caught.value.code is ErrorCode.RESOURCE_LIMIT
    assert "memory" in caught.value.message


async def test_what_browsers_take_is_seen(engine: Engine) -> None:
    await assert_next_works(engine)
    (browser,) = engine.browsers
    assert 10 < measure([browser.group])[browser.group] < 400
    assert measure([]) == {}
    gone = max(psutil.pids()) + 1_000_000
    assert measure([gone]) == {gone: 0}


@pytest.mark.parametrize("format_", [FORMAT_PNG, FORMAT_JPEG, FORMAT_WEBP])
async def test_an_image_of_too_many_bytes_fails(engine: Engine, monkeypatch: pytest.MonkeyPatch, format_: int) -> None:
    monkeypatch.setattr(encode, "MAX_BYTES", 2_000)
    monkeypatch.setattr(capture, "MAX_BYTES", 2_000)
    with pytest.raises(RenderError) as caught:
        await render(engine, NOISE, image(format_=format_))  # type: ignore[arg-type]
    assert caught.value.code is ErrorCode.RESOURCE_LIMIT
    monkeypatch.undo()
    await assert_next_works(engine)


async def test_a_pdf_of_too_many_bytes_fails(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "MAX_BYTES", 1_000)
    with pytest.raises(RenderError) as caught:
        await render(engine, NOISE, pdf())
    assert caught.value.code is ErrorCode.RESOURCE_LIMIT
    monkeypatch.undo()
    await assert_next_works(engine)


@pytest.mark.parametrize("output", [pdf(), image(format_=FORMAT_JPEG)])
async def test_a_file_of_far_too_many_bytes_is_not_held(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, output: OutputSpec
) -> None:
    await assert_next_works(engine)
    browsers = list(engine.browsers)
    monkeypatch.setattr(connection, "LONGEST_MESSAGE", 6_000)
    monkeypatch.setattr(connection, "_CHUNK_BYTES", 1_000)
    with pytest.raises(RenderError) as caught:
        await render(engine, NOISE, output)
    assert caught.value.code is ErrorCode.RESOURCE_LIMIT
    monkeypatch.undo()
    await assert_next_works(engine)
    assert set(browsers) <= set(engine.browsers)


async def test_a_pdf_of_too_many_pages_is_not_printed_to_its_end(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed = "<div style='break-after:page'>x</div>" * 1_999 + "<div>x</div>"
    assert (await render(engine, allowed, pdf(), seconds=120)).pages == 2_000
    counted: list[int] = []

    def counting(data: bytes) -> int:
        counted.append(page_count(data))
        return counted[-1]

    monkeypatch.setattr(capture, "page_count", counting)
    with pytest.raises(RenderError) as caught:
        await render(engine, "<div style='break-after:page'>x</div>" * 3_000, pdf(), seconds=120)
    assert caught.value.code is ErrorCode.RESOURCE_LIMIT
    assert counted == [2_001]


@pytest.mark.parametrize("format_", [FORMAT_PNG, FORMAT_JPEG, FORMAT_WEBP])
async def test_a_picture_in_strips_is_the_picture(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, format_: int
) -> None:
    document = """<body style='margin:0;background:linear-gradient(160deg,red,blue,green)'>
        <p style='position:fixed;bottom:0;margin:0;width:40px;height:20px;background:white'></p>
        <div style='height:50vh;width:30px;background:black'></div>"""
    wanted = image(200, 332, 1.5, format_, 1.0)  # type: ignore[arg-type]
    whole = await render(engine, document, wanted)
    monkeypatch.setattr(shots, "STRIP_PIXELS", 300 * 70)
    strips = await render(engine, document, wanted)
    assert (strips.width, strips.height) == picture(strips).size == picture(whole).size == (300, 498)
    pairs = zip(picture(whole).tobytes(), picture(strips).tobytes(), strict=True)
    allowed = {FORMAT_PNG: 0, FORMAT_JPEG: 40, FORMAT_WEBP: 12}[format_]  # type: ignore[index]
    assert max(abs(one - other) for one, other in pairs) <= allowed


async def test_the_largest_picture_is_drawn_to_its_last_corner() -> None:
    document = "<body style='margin:0;background:linear-gradient(160deg,red,blue,lime)'>"
    async with running_engine() as engine:
        rendered = await render(engine, document, image(4000, 4000, 3, FORMAT_JPEG), seconds=200)
    shown = pyvips.Image.new_from_buffer(rendered.data, "")
    assert (shown.width, shown.height) == (12_000, 12_000)
    # Each of its pixels is a mixture of two colours, so none is white.
    assert shown.hist_find_ndim(bins=2).getpoint(1, 1)[1] == 0

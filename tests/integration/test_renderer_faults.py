"""Documents and browsers that misbehave: a typed answer, and the next item works."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import psutil
import pytest

from services.renderer.engine.engine import Engine
from services.renderer.engine.model import BrowserCrashedError, Budget, ErrorCode, RenderError
from services.renderer.engine.tab import Tab
from tests.support.renderer import STRICT, chromium_processes, image, pdf, pixel, render, running_engine, source

GREEN = (0, 255, 0)
GOOD = "<body style='background:#00ff00'>"
CAPTURES = {"Page.captureScreenshot", "HeadlessExperimental.beginFrame"}


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with running_engine() as running:
        yield running


async def assert_next_works(engine: Engine) -> None:
    async with asyncio.timeout(60):
        assert pixel(await render(engine, GOOD), 100, 50) == GREEN


async def failed(engine: Engine, document: str, output: object = None, seconds: float = 30) -> RenderError:
    started = time.monotonic()
    with pytest.raises(RenderError) as caught:
        await render(engine, document, output or image(), seconds=seconds)  # type: ignore[arg-type]
    assert time.monotonic() - started < 2 * seconds + 60
    return caught.value


@pytest.mark.parametrize(
    "document",
    [
        "<script>while (true);</script>",
        "<script>addEventListener('load', () => setTimeout(() => { while (true); }))</script>",
        "<script>const f = () => Promise.resolve().then(f); f()</script>",
        "<script>while (true) alert(1)</script>",
        "<script>pressline.ready(new Promise(() => 0))</script>",
        "<script>/(a+)+$/.test('a'.repeat(60) + 'b')</script>",
        "<script>addEventListener('beforeprint', () => { while (true); })</script>",
    ],
)
async def test_what_does_not_end_is_ended(engine: Engine, document: str) -> None:
    error = await failed(engine, document, pdf(), seconds=2)
    assert error.code is ErrorCode.RENDER_TIMEOUT
    assert "2 seconds" in error.message
    await assert_next_works(engine)


async def test_a_reload_loop_ends_by_itself(engine: Engine) -> None:
    rendered = await render(engine, GOOD + "<script>setInterval(() => location.reload(), 1)</script>")
    assert pixel(rendered, 100, 50) == GREEN


async def test_a_rejected_promise_is_the_templates_error(engine: Engine) -> None:
    error = await failed(engine, "<script>pressline.ready(Promise.reject(new Error('no chart')))</script>")
    assert error.code is ErrorCode.TEMPLATE_ERROR
    assert "no chart" in error.message
    await assert_next_works(engine)


async def test_a_page_that_crashes_twice_fails(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    send = Tab.send

    async def crashing(tab: Tab, method: str, **parameters: object) -> object:
        if method in CAPTURES:
            method, parameters = "Page.crash", {}
        return await send(tab, method, **parameters)

    monkeypatch.setattr(Tab, "send", crashing)
    error = await failed(engine, GOOD)
    assert error.code is ErrorCode.PAGE_CRASHED
    monkeypatch.undo()
    await assert_next_works(engine)


async def test_a_browser_that_is_killed_costs_its_items_nothing(engine: Engine) -> None:
    await assert_next_works(engine)
    waiting = GOOD + "<script>pressline.ready(new Promise((done) => setTimeout(done, 1000)))</script>"
    items = [asyncio.create_task(render(engine, waiting)) for _ in range(2)]
    await asyncio.sleep(0.5)
    os.kill(engine.browsers[0].pid, signal.SIGKILL)
    for rendered in await asyncio.gather(*items):
        assert pixel(rendered, 100, 50) == GREEN
    await assert_next_works(engine)


async def test_an_item_that_takes_its_own_browser_down_is_told_apart(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = Tab.send

    async def killing(tab: Tab, method: str, **parameters: object) -> object:
        if method in CAPTURES:
            for process in chromium_processes():
                # Killing one may end another before its turn.
                with suppress(psutil.NoSuchProcess):
                    if not any(part.startswith("--type=") for part in process.cmdline()):
                        process.kill()
        return await send(tab, method, **parameters)

    monkeypatch.setattr(Tab, "send", killing)
    with pytest.raises(BrowserCrashedError):
        await render(engine, GOOD)
    monkeypatch.undo()
    await assert_next_works(engine)


async def test_a_neighbour_of_an_endless_item_is_rendered_all_the_same(engine: Engine) -> None:
    await assert_next_works(engine)
    endless = asyncio.create_task(render(engine, "<script>while (true);</script>", seconds=2))
    slow = GOOD + "<script>pressline.ready(new Promise((done) => setTimeout(done, 3000)))</script>"
    rendered = await render(engine, slow, seconds=60)
    assert pixel(rendered, 100, 50) == GREEN
    with pytest.raises(RenderError):
        await endless


async def test_a_render_that_is_cancelled_leaves_its_place(engine: Engine) -> None:
    for _ in range(5):
        rendering = asyncio.create_task(render(engine, "<script>while (true);</script>"))
        await asyncio.sleep(0.3)
        rendering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await rendering
    await assert_next_works(engine)


async def test_a_filled_document_that_is_too_large(engine: Engine) -> None:
    document = source("{{#each xs}}{{@root.text}}{{/each}}", STRICT)
    data = json.dumps({"xs": [1] * 300, "text": "x" * 100_000})
    with pytest.raises(RenderError) as caught:
        await render(engine, document, data=data)
    assert caught.value.code is ErrorCode.RESOURCE_LIMIT
    await assert_next_works(engine)


async def test_a_used_up_budget_touches_nothing(engine: Engine) -> None:
    await assert_next_works(engine)
    pid = engine.browsers[0].pid
    error = await failed(engine, GOOD, seconds=0)
    assert error.code is ErrorCode.RENDER_TIMEOUT
    assert engine.browsers[0].pid == pid
    assert Budget(0).used_up


async def test_deep_and_odd_documents(engine: Engine) -> None:
    for document in (
        "<div>" * 5_000 + "x",
        "<p>\x00x",
        "",
        "<svg>" * 500,
        "<!doctype html><plaintext>x",
        "<frameset>",
    ):
        await render(engine, document)
    await assert_next_works(engine)


async def test_no_process_and_no_folder_is_left() -> None:
    async with running_engine(browsers=2) as engine:
        await asyncio.gather(*(render(engine, "<script></script>") for _ in range(4)))
        folder = engine._launcher._workspace.path
        # Browsers of other tests may live on beside it.
        groups = {browser.group for browser in engine.browsers}
        assert groups
        assert members(groups)
        assert folder.exists()
    assert not folder.exists()
    assert not members(groups)


def members(groups: set[int]) -> list[int]:
    """The processes of process groups, zombies included."""
    found = []
    for pid in psutil.pids():
        with suppress(ProcessLookupError):
            if os.getpgid(pid) in groups:
                found.append(pid)
    return found

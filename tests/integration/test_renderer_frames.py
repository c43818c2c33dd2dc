"""Pages of one browser that draw in turns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.renderer.engine.engine import Engine
from tests.support.renderer import image, picture, render, running_engine

# Blurred again and again, so that it takes a while to draw.
SLOW = "<body style='margin:0'>" + "".join(
    f"<div style='position:absolute;inset:0;backdrop-filter:blur({20 + i}px)'></div>" for i in range(20)
)


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with running_engine(browsers=1, pages=3) as running:
        yield running


async def test_many_at_once_each_have_their_own_picture(engine: Engine) -> None:
    wanted = [(50 + 7 * i, 40 + 3 * i, (8 * i, 255 - 8 * i, 100)) for i in range(30)]

    async def one(width: int, height: int, colour: tuple[int, int, int]) -> tuple[int, int, tuple[int, int, int]]:
        html = f"<body style='background:rgb{colour}'>"
        shown = picture(await render(engine, html, image(width, height), account=f"account {width % 4}"))
        return *shown.size, shown.getpixel((1, 1))  # type: ignore[return-value]

    before = [browser.pid for browser in engine.browsers]
    assert await asyncio.gather(*(one(*each) for each in wanted)) == wanted
    assert [browser.pid for browser in engine.browsers][: len(before)] == before


async def test_one_that_is_given_up_in_the_middle_harms_nobody(engine: Engine) -> None:
    await render(engine, "<p>warm")
    before = [browser.pid for browser in engine.browsers]
    for _ in range(3):
        given_up = asyncio.create_task(render(engine, SLOW, image(1500, 1500), account="slow"))
        others = [asyncio.create_task(render(engine, "<body style='background:lime'>")) for _ in range(3)]
        await asyncio.wait(others, return_when=asyncio.FIRST_COMPLETED)
        given_up.cancel()
        for other in await asyncio.gather(*others):
            assert picture(other).getpixel((1, 1)) == (0, 255, 0)
        await asyncio.wait({given_up})
    assert [browser.pid for browser in engine.browsers] == before

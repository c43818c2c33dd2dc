"""One frame at a time, and whose time the wait for it is."""

from __future__ import annotations

import asyncio

import pytest

from services.renderer.engine.frames import Frames
from services.renderer.engine.model import Budget
from services.renderer.engine.requests import Event


class Page:
    """Draws until it is told to end."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.ends = asyncio.Event()

    async def draw(self) -> Event:
        self.begun.set()
        await self.ends.wait()
        return {"page": id(self)}


async def test_a_frame_waits_for_the_one_before_it() -> None:
    frames, first, second = Frames(), Page(), Page()
    drawn = [asyncio.create_task(frames.take(page.draw, Budget(60))) for page in (first, second)]
    await first.begun.wait()
    assert not second.begun.is_set()
    first.ends.set()
    await second.begun.wait()
    second.ends.set()
    assert [frame["page"] for frame in await asyncio.gather(*drawn)] == [id(first), id(second)]


async def test_a_frame_that_nobody_waits_for_keeps_its_turn_until_it_is_drawn() -> None:
    frames, first, second = Frames(), Page(), Page()
    given_up = asyncio.create_task(frames.take(first.draw, Budget(60)))
    await first.begun.wait()
    given_up.cancel()
    drawn = asyncio.create_task(frames.take(second.draw, Budget(60)))
    await asyncio.wait({given_up})
    await asyncio.sleep(0)
    assert given_up.cancelled()
    assert not second.begun.is_set()
    first.ends.set()
    second.ends.set()
    assert (await drawn)["page"] == id(second)


async def test_a_frame_that_fails_ends_its_turn() -> None:
    async def fail() -> Event:
        raise ConnectionError

    frames, page = Frames(), Page()
    with pytest.raises(ConnectionError):
        await frames.take(fail, Budget(60))
    page.ends.set()
    assert await frames.take(page.draw, Budget(60))


async def test_the_wait_is_not_taken_from_the_budget() -> None:
    frames, first, second = Frames(), Page(), Page()
    ahead = asyncio.create_task(frames.take(first.draw, Budget(60)))
    await first.begun.wait()
    budget = Budget(0.2)

    async def spend() -> Event:
        async with budget.spend():
            return await frames.take(second.draw, budget)

    behind = asyncio.create_task(spend())
    await asyncio.sleep(0.5)
    first.ends.set()
    second.ends.set()
    await asyncio.gather(ahead, behind)
    assert not budget.used_up


async def test_the_frame_itself_is() -> None:
    frames, page, budget = Frames(), Page(), Budget(0.1)
    with pytest.raises(TimeoutError):
        async with budget.spend():
            await frames.take(page.draw, budget)
    assert budget.used_up
    page.ends.set()

"""Many together, or one alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest

from services.renderer.turns import Turns

TURNS_OF_THE_LOOP = 10


class Work:
    """Something that is at work from when it is let in until it is told to end."""

    def __init__(self, turn: Callable[[], AbstractAsyncContextManager[None]]) -> None:
        self.working = False
        self.end = asyncio.Event()
        self.task = asyncio.create_task(self._work(turn))

    async def _work(self, turn: Callable[[], AbstractAsyncContextManager[None]]) -> None:
        async with turn():
            self.working = True
            try:
                await self.end.wait()
            finally:
                self.working = False


async def settled(*works: Work) -> list[bool]:
    """Who is at work, once nothing changes by itself any more."""
    for _ in range(TURNS_OF_THE_LOOP):
        await asyncio.sleep(0)
    return [work.working for work in works]


async def test_one_is_alone_after_those_before_it_and_before_those_after_it() -> None:
    turns = Turns()
    first, second = Work(turns.together), Work(turns.together)
    assert await settled(first, second) == [True, True]
    lonely, later = Work(turns.alone), Work(turns.together)
    assert await settled(lonely, later) == [False, False]
    first.end.set()
    assert await settled(second, lonely, later) == [True, False, False]
    second.end.set()
    assert await settled(lonely, later) == [True, False]
    lonely.end.set()
    assert await settled(lonely, later) == [False, True]
    later.end.set()
    await asyncio.gather(first.task, second.task, lonely.task, later.task)


async def test_two_are_alone_one_after_the_other() -> None:
    turns = Turns()
    one, other = Work(turns.alone), Work(turns.alone)
    assert await settled(one, other) == [True, False]
    one.end.set()
    assert await settled(one, other) == [False, True]
    other.end.set()
    await asyncio.gather(one.task, other.task)


@pytest.mark.parametrize("while_working", [True, False])
async def test_whoever_is_cancelled_leaves_no_trace(*, while_working: bool) -> None:
    turns = Turns()
    before = Work(turns.together)
    lonely = Work(turns.alone)
    assert await settled(before, lonely) == [True, False]
    if while_working:
        before.end.set()
        assert await settled(lonely) == [True]
    lonely.task.cancel()
    after = Work(turns.together)
    assert await settled(lonely, after) == [False, True]
    before.end.set()
    after.end.set()
    await asyncio.gather(before.task, after.task)

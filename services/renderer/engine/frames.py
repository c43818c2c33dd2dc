"""Frames of pages that draw only when they are asked to: one is laid out, painted and taken, and none beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Any

from services.renderer.engine.model import Budget
from services.renderer.engine.requests import Event

Draw = Callable[[], Awaitable[Event]]


class Frames:
    """Whose turn it is in one browser. It ends when it is asked for a frame of one page during that of another."""

    def __init__(self) -> None:
        self._free = asyncio.Lock()

    async def take(self, draw: Draw, budget: Budget | None = None) -> Event:
        """Draw once no other page does; the wait for that is not taken from the budget, where there is one.

        A frame goes on when the one who asked for it has gone, and so does its turn.
        """
        async with budget.pause() if budget else nullcontext():
            await self._free.acquire()
        drawing = asyncio.ensure_future(draw())
        drawing.add_done_callback(self._drawn)
        return await asyncio.shield(drawing)

    def _drawn(self, drawing: asyncio.Future[Any]) -> None:
        self._free.release()
        if not drawing.cancelled():
            # Nobody else may be left to hear of it.
            drawing.exception()

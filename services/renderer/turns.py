"""Who may work at the same time: many together, or one alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class Turns:
    """Lets any number in together, but none beside the one that is alone.

    Whoever wants to be alone comes before those who wait to work together: there are few of them.
    """

    def __init__(self) -> None:
        self._together = 0
        self._lonely = 0
        self._taken = False
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        """Work beside others."""
        await self._until(lambda: not self._lonely)
        self._together += 1
        try:
            yield
        finally:
            self._together -= 1
            self._wake()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Work while nobody else does."""
        self._lonely += 1
        try:
            await self._until(lambda: not self._together and not self._taken)
            self._taken = True
            try:
                yield
            finally:
                self._taken = False
        finally:
            self._lonely -= 1
            self._wake()

    async def _until(self, free: Callable[[], bool]) -> None:
        while not free():
            await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

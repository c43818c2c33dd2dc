"""Coroutines that stop before every call of a store, so that a test decides who goes next and who dies."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any

_current: ContextVar[Process | None] = ContextVar("current", default=None)


class Process:
    """Work that makes one call of a store for each step; of calls that it makes together, the first one first."""

    def __init__(self, work: Coroutine[Any, Any, Any]) -> None:
        self._gates: deque[asyncio.Future[None]] = deque()
        self._idle = asyncio.Event()
        self.task = asyncio.create_task(self._run(work))
        self.task.add_done_callback(lambda _: self._idle.set())

    async def step(self) -> bool:
        """Let it make its next call, and wait until it is about to make another; true when it has come to its end."""
        if self.task.done():
            return True  # It had no call to make.
        self._idle.clear()
        if self._gates:
            self._gates.popleft().set_result(None)
        await self._idle.wait()
        return self.task.done()

    async def kill(self) -> None:
        """It makes no call any more."""
        self.task.cancel()
        await asyncio.wait({self.task})

    async def pause(self) -> None:
        """Wait for the next step."""
        gate = asyncio.get_running_loop().create_future()
        self._gates.append(gate)
        self._idle.set()
        await gate

    def made(self) -> None:
        """A call is answered; where others were to be made together with it, the next step makes one of them."""
        if self._gates:
            self._idle.set()

    async def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        _current.set(self)
        return await work


class Gated:
    """A store whose calls wait for the next step of the process that makes them."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            process = _current.get()
            if process is None:
                return await method(*args, **kwargs)
            await process.pause()
            try:
                return await method(*args, **kwargs)
            finally:
                process.made()

        return call

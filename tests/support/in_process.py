"""Services in the tests' own process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

S = TypeVar("S")


@asynccontextmanager
async def running(serve: Callable[[S, asyncio.Event], Awaitable[None]], settings: S) -> AsyncIterator[None]:
    """A service until the end of the block."""
    stop = asyncio.Event()
    serving = asyncio.ensure_future(serve(settings, stop))
    try:
        yield
    finally:
        stop.set()
        await serving

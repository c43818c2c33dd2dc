"""A repair of PyMongo: its waits on conditions, which a cancellation must not leave in disorder.

PyMongo waits with `asyncio.wait_for`, which before Python 3.12 runs what it waits for as a task of its own. When such a
wait is over, that task first takes the condition's lock back. A caller that is cancelled just then goes on without the
lock, and the task takes it afterwards and never gives it back: from then on every call of that client hangs. While the
database is away each call waits like that twice a second, and calls are cancelled whenever their callers leave.
"""

from __future__ import annotations

import asyncio
from typing import Any

from pymongo.asynchronous import pool, topology


def repair() -> None:
    """Wait without a second task from now on; safe to repeat."""
    for module in (pool, topology):
        setattr(module, "_async_cond_wait", _wait)  # noqa: B010 - typed as a function, which is not assigned to


async def _wait(condition: Any, seconds: float | None) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return bool(await condition.wait())
    except TimeoutError:
        return False

"""Waits of the database's client that are cancelled leave its locks in order."""

from __future__ import annotations

import asyncio

import pytest
from pymongo.asynchronous import topology
from pymongo.lock import _async_create_condition, _async_create_lock

from services.scheduler.store import condition

WAIT_SECONDS, HELD_SECONDS = 0.05, 0.3


async def test_a_call_that_is_cancelled_as_its_wait_ends_does_not_keep_the_lock() -> None:
    condition.repair()
    lock = _async_create_lock()
    changed = _async_create_condition(lock)

    async def call() -> None:
        async with lock:
            await vars(topology)["_async_cond_wait"](changed, WAIT_SECONDS)

    calling = asyncio.create_task(call())
    await asyncio.sleep(0)
    # Its wait is over and it wants the lock back, which another holds: its caller leaves as that one lets go of it.
    async with lock:
        await asyncio.sleep(HELD_SECONDS)
        calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    await asyncio.sleep(0.1)
    assert not lock.locked()

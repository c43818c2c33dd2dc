"""Waiting, after the last fault, until everything has come to rest."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from nats.errors import Error as NatsError

from tests.chaos import queues
from tests.chaos.hooks import Hooks
from tests.chaos.record import Record
from tests.chaos.system import System
from tests.chaos.watcher import Watcher

ENDED_WITHIN_SECONDS = 120.0
PAUSE_SECONDS = 0.5


@dataclass
class Rest:
    """How it came to rest.

    Attributes:
        ended_after: seconds from the last fault until every batch had ended; None when some had not in time.
        announced_after: likewise, until every webhook had come.
        emptied_after: likewise, until JetStream held nothing any more.
        messages: what it holds.
    """

    ended_after: float | None = None
    announced_after: float | None = None
    emptied_after: float | None = None
    messages: int = 0


async def until_at_rest(system: System, watcher: Watcher, record: Record, hooks: Hooks) -> Rest:
    """Wait for all of it, as long as batches may take to end."""
    rest, began = Rest(), time.monotonic()
    looks = watcher.looks
    while time.monotonic() - began < ENDED_WITHIN_SECONDS:
        after = time.monotonic() - began
        # The first look that ends from now on may have begun before the last fault was over.
        if rest.ended_after is None and watcher.looks > looks + 1 and not watcher.open_batches:
            rest.ended_after = after
        if rest.announced_after is None and not _awaited(record, hooks):
            rest.announced_after = after
        if rest.ended_after is not None and rest.emptied_after is None:
            rest.messages = await _left_over(system)
            rest.emptied_after = None if rest.messages else after
        if None not in (rest.ended_after, rest.announced_after, rest.emptied_after):
            break
        await asyncio.sleep(PAUSE_SECONDS)
    return rest


def _awaited(record: Record, hooks: Hooks) -> int:
    return sum(bool(batch.hook) and not hooks.received[batch.hook] for batch in record.batches)


async def _left_over(system: System) -> int:
    try:
        return await queues.left_over(system.nats_url)
    except (NatsError, OSError, TimeoutError):
        return -1

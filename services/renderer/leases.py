"""Work under a lease: prolonged while it is done, given back when it cannot be."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from services.common.consumer import Again, Done, Verdict
from services.common.errors import PresslineError
from services.renderer.tasks import may_pass

EXTEND_EVERY_SECONDS = 10.0
UNREACHABLE_PAUSE_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 60.0
log = structlog.get_logger()


class HandedBackError(Exception):
    """The work is given back, to be tried again: something beside it is at fault, or it broke what it ran in.

    Args:
        reason: in words that the owner may read.
        crashed: whether it counts as a crash of this work.
    """

    def __init__(self, reason: str, *, crashed: bool = False) -> None:
        super().__init__(reason)
        self.crashed = crashed


def later(attempt: int) -> Again:
    """When work is tried again after an attempt that was given back."""
    return Again(min(2.0**attempt, _LONGEST_PAUSE_SECONDS))


async def while_held(
    work: Coroutine[Any, Any, Verdict],
    extend: Callable[[], Awaitable[None]],
    release: Callable[[], Awaitable[None]],
    every: float,
    lasts: float = math.inf,
) -> Verdict:
    """Do work while its lease is ours.

    Args:
        work: done to its end, or stopped when the lease is lost.
        extend: prolongs the lease; raises PresslineError.
        release: gives the lease back; called when this is cancelled, with the work told to stop.
        every: seconds between two extensions.
        lasts: seconds that a lease lasts which nobody can prolong; without it, a scheduler that is away may be back
            in time.
    """
    working, extending = asyncio.create_task(work), asyncio.create_task(_extend(extend, every, lasts))
    try:
        await asyncio.wait({working, extending}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        log.info("work.stopped", reason="the lease is not ours any more")
        return Done()
    except asyncio.CancelledError:
        # Given back at once, for what is under way may take moments to notice that it is stopped.
        working.cancel()
        extending.cancel()
        await release()
        raise
    finally:
        working.cancel()
        extending.cancel()
        await asyncio.wait({working, extending})


async def _extend(extend: Callable[[], Awaitable[None]], every: float, lasts: float) -> None:
    """Prolong a lease until that is refused, or until it has run out."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + lasts
    while loop.time() < ends:
        await asyncio.sleep(every)
        try:
            await extend()
            ends = loop.time() + lasts
        except PresslineError as error:
            if not may_pass(error):
                return
            log.warning("lease.not_extended", error=error.message)

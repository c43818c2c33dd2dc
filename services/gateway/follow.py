"""Following one batch for a caller, through restarts of schedulers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

import structlog

from pressline.batch.v1 import batch_pb2
from services.common import lifecycle
from services.common.errors import PresslineError, Reason
from services.gateway.scheduler import Scheduler

OPEN_SECONDS = 15.0
AGAIN_SECONDS = 0.5
# A scheduler that stops, is full or failed; the next try may find another one.
_PASSING = {Reason.SERVICE_UNAVAILABLE, Reason.RATE_LIMITED, Reason.INTERNAL_ERROR}
log = structlog.get_logger()


class Follower:
    """What is new about a batch. Whoever reads slowly misses what is outdated, nothing else.

    Attributes:
        over: nothing will be new any more.
    """

    def __init__(self) -> None:
        self.over = False
        self._begun = asyncio.Event()
        self._news = asyncio.Event()
        self._latest: batch_pb2.Batch | None = None
        self._error: PresslineError | None = None

    async def first(self) -> batch_pb2.Batch:
        """The batch as it is now.

        Raises:
            PresslineError: it cannot be followed.
        """
        batch = await self.news(OPEN_SECONDS)
        if batch is not None:
            return batch
        raise self._error or PresslineError(Reason.SERVICE_UNAVAILABLE, "The service is not reachable just now.")

    async def news(self, seconds: float) -> batch_pb2.Batch | None:
        """The batch once it has changed; None when it does not for so long, or will not at all."""
        if not self.over:
            await lifecycle.wait(self._news, seconds)
        self._news.clear()
        batch, self._latest = self._latest, None
        return batch

    async def follow(self, scheduler: Scheduler, batch_id: str) -> None:
        """Gather the news until the batch has ended."""
        try:
            async for batch in _changes(scheduler, batch_id):
                self._latest = batch
                self._news.set()
                self._begun.set()
        except PresslineError as error:
            log.info("follow.refused", batch=batch_id, reason=error.reason, error=error.message)
            self._error = error
        finally:
            self._end()

    async def end_with(self, stop: asyncio.Event) -> None:
        """End when the process is asked to stop; how the batch is now is told even then."""
        await stop.wait()
        await self._begun.wait()
        self._end()

    def _end(self) -> None:
        self.over = True
        self._news.set()


@asynccontextmanager
async def following(scheduler: Scheduler, batch_id: str, stop: asyncio.Event) -> AsyncIterator[Follower]:
    """Follow a batch until the end of the block."""
    follower = Follower()
    tasks = [
        asyncio.create_task(follower.follow(scheduler, batch_id)),
        asyncio.create_task(follower.end_with(stop)),
    ]
    try:
        yield follower
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _changes(scheduler: Scheduler, batch_id: str) -> AsyncGenerator[batch_pb2.Batch, None]:
    after = 0
    while True:
        try:
            async with aclosing(scheduler.watch(batch_id, after)) as found:
                async for batch in found:
                    after = batch.revision
                    yield batch
            return
        except PresslineError as error:
            # Before the first message a refusal is the answer.
            if not after or error.reason not in _PASSING:
                raise
        await asyncio.sleep(AGAIN_SECONDS)

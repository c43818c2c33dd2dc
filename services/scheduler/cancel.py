"""Stopping a batch: the request answers at once, the items follow."""

from __future__ import annotations

import asyncio
import time

import structlog

from services.common.errors import PresslineError, Reason
from services.common.failpoints import Failpoint, failpoint
from services.scheduler import clock
from services.scheduler.finish import Finisher
from services.scheduler.store.database import Document
from services.scheduler.stores import Stores

# Items are cancelled so many at once that the database is free for others again after about this time.
CHUNK_SECONDS = 0.5
SMALLEST_CHUNK, LARGEST_CHUNK = 4, 500
log = structlog.get_logger()


class Canceller:
    """Cancels batches."""

    def __init__(self, stores: Stores, finisher: Finisher) -> None:
        self._stores = stores
        self._finisher = finisher
        self._settling: set[asyncio.Task[None]] = set()

    async def request(self, batch: Document) -> None:
        """Cancel a batch; from now on it reads as cancelled and nothing of it is claimed.

        Raises:
            PresslineError: CONFLICT, when it ended otherwise.
        """
        if await self.mark(batch["_id"]):
            task = asyncio.create_task(self._settle_or_leave(batch["_id"]))
            self._settling.add(task)
            task.add_done_callback(self._settling.discard)

    async def mark(self, batch_id: str) -> bool:
        """Offer nothing more of a batch, and take back what is offered; false when somebody else did before.

        Raises:
            PresslineError: CONFLICT, when it ended otherwise.
        """
        marked = await self._stores.batches.request_cancel(batch_id, clock.now_ms())
        if marked:
            failpoint(Failpoint.CANCEL_MARKED)
        batch = await self._stores.batches.get(batch_id)
        if batch is None:
            return False
        if "cancel_requested_ms" not in batch:
            raise PresslineError(Reason.CONFLICT, f"The batch has ended already: {batch['state']}.")
        # Claims do not look at the batch. No slot is taken any more, and only what has one can be claimed.
        await self._stores.items.cancel(batch["slots"], clock.now_ms())
        return marked

    async def settle(self, batch_id: str) -> None:
        """Cancel every open item, then end the batch."""
        chunk, began = SMALLEST_CHUNK, time.monotonic()
        while await self._stores.items.cancel_open(batch_id, chunk, clock.now_ms()):
            failpoint(Failpoint.CANCEL_CHUNK_CANCELLED)
            log.debug("batch.cancelling", batch=batch_id, chunk=chunk)
            now = time.monotonic()
            chunk = next_chunk(chunk, now - began)
            began = now
        failpoint(Failpoint.CANCEL_ITEMS_CANCELLED)
        await self._finisher.finish(batch_id)

    async def close(self) -> None:
        """Wait for running cancellations; what is left is the sweep's."""
        if self._settling:
            await asyncio.wait(self._settling, timeout=5)

    async def _settle_or_leave(self, batch_id: str) -> None:
        try:
            await self.settle(batch_id)
        except Exception as error:  # The next sweep goes on.
            log.warning("cancel.delayed", batch=batch_id, error=repr(error))


def next_chunk(chunk: int, seconds: float) -> int:
    """How many items to cancel next when so many took so long: items may be small or hold megabytes."""
    return min(chunk * 2, LARGEST_CHUNK) if seconds < CHUNK_SECONDS else max(chunk // 2, SMALLEST_CHUNK)

"""Deleting batches: when their owner asks for it, and when their results expire.

Objects go before the records that tell where they are, and every step may be repeated by anyone, so a removal
that broke off is finished by the next round.
"""

from __future__ import annotations

import asyncio

import structlog

from services.common.blobs import BLOB_ERRORS, BlobStore
from services.common.errors import PresslineError, Reason
from services.common.failpoints import Failpoint, failpoint
from services.scheduler import clock
from services.scheduler.finish import Finisher
from services.scheduler.store.database import Document
from services.scheduler.stores import Stores
from services.scheduler.usage import Meter

TOMBSTONE_MS = 30 * clock.DAY_MS
# A removal that made no end for so long is taken up by whoever comes by.
TAKE_UP_MS = 60_000
# A renderer that was cut off from the scheduler may store an output after everything was deleted.
RECHECK_MS = 15 * 60_000
# How long the owner's call waits for a removal before it goes on behind it.
ANSWER_SECONDS = 5.0
# Bounds of one round, so that a mountain of expired batches neither delays a stop nor fills the memory.
ROUND_BATCHES = 200
ROUND_SECONDS = 10.0
BUSY_RETRY_SECONDS = 1.0
log = structlog.get_logger()


class Remover:
    """Deletes batches with everything that they hold.

    Args:
        stores: the state.
        blobs: the outputs.
        finisher: announces the end of a batch that is deleted before that was done.
        meter: counts the renders of a batch that is deleted before that was done.
    """

    def __init__(self, stores: Stores, blobs: BlobStore, finisher: Finisher, meter: Meter) -> None:
        self._stores = stores
        self._blobs = blobs
        self._finisher = finisher
        self._meter = meter
        self._removing: set[asyncio.Task[None]] = set()

    async def request(self, batch: Document) -> None:
        """Delete an ended batch: nobody can read it once this returns, and its files are gone or going.

        Raises:
            PresslineError: CONFLICT, while it is running.
        """
        # Its last item may have ended without anybody having drawn the conclusion yet.
        await self._finisher.finish(batch["_id"])
        if not await self._stores.batches.begin_removal(batch["_id"], clock.now_ms()):
            current = await self._stores.batches.get(batch["_id"])
            if current is not None:
                raise _running(current)
            return
        task = asyncio.create_task(self._remove_or_leave(batch["_id"]))
        self._removing.add(task)
        task.add_done_callback(self._removing.discard)
        await asyncio.wait({task}, timeout=ANSWER_SECONDS)

    async def sweep(self) -> None:
        """One round: what expired, what was left half removed, and what is to be forgotten."""
        try:
            async with asyncio.timeout(ROUND_SECONDS):
                await self._remove_due()
                await self._look_again()
                await self._forget()
        except TimeoutError:
            log.info("removal.goes_on_next_round")

    async def close(self) -> None:
        """Wait for running removals; what is left is for a later round."""
        if self._removing:
            await asyncio.wait(self._removing, timeout=5)

    async def _remove_due(self) -> None:
        now = clock.now_ms()
        expired = await self._stores.batches.expired(now, ROUND_BATCHES)
        for batch_id in expired + await self._stores.batches.half_removed(now - TAKE_UP_MS, ROUND_BATCHES):
            if await self._stores.batches.begin_removal(batch_id, now):
                await self._remove_or_leave(batch_id)

    async def _look_again(self) -> None:
        for tombstone in await self._stores.tombstones.to_recheck(clock.now_ms(), ROUND_BATCHES):
            await self._delete_objects(tombstone)
            await self._stores.tombstones.rechecked(tombstone["_id"])

    async def _forget(self) -> None:
        now = clock.now_ms()
        forgotten = await self._stores.tombstones.older(now - TOMBSTONE_MS, ROUND_BATCHES)
        for tombstone in forgotten:
            # The last that leads there: a renderer that was stopped for hours may have stored an output since.
            await self._delete_objects(tombstone)
            await self._stores.deliveries.delete_of(tombstone["_id"])
        await self._stores.tombstones.delete([tombstone["_id"] for tombstone in forgotten])
        await self._stores.sources.forget(now, ROUND_BATCHES)

    async def _remove_or_leave(self, batch_id: str) -> None:
        try:
            await self._remove(batch_id)
        except Exception as error:  # A later round goes on.
            log.warning("removal.delayed", batch=batch_id, error=repr(error))

    async def _remove(self, batch_id: str) -> None:
        failpoint(Failpoint.REMOVE_BEGUN)
        batch = await self._stores.batches.get(batch_id)
        if batch is None:
            return
        await self._meter.settle(batch_id, batch["counts"]["succeeded"])
        if "outbox" in batch:
            await self._finisher.announce(batch)
        # Whoever is making an archive loses its lease before the objects go.
        archived = await self._stores.archives.delete_of(batch_id)
        failpoint(Failpoint.REMOVE_ARCHIVES_DELETED)
        await self._delete_objects(batch)
        failpoint(Failpoint.REMOVE_OBJECTS_DELETED)
        if archived:
            await self._abort_uploads(batch)
        await self._stores.items.delete_of(batch_id)
        failpoint(Failpoint.REMOVE_ITEMS_DELETED)
        await self._stores.requests.delete(batch_id)
        await self._stores.deliveries.delete_ended(batch_id)
        await self._stores.tombstones.put(batch, batch["removing_ms"], clock.now_ms() + RECHECK_MS)
        failpoint(Failpoint.REMOVE_BURIED)
        await self._stores.batches.delete(batch_id)
        log.info("batch.removed", batch=batch_id)

    async def _abort_uploads(self, batch: Document) -> None:
        """Free what killed renderers had uploaded of archives. Where the store refuses, its lifecycle rules decide."""
        try:
            await self._blobs.abort_uploads(f"{batch['account_id']}/{batch['_id']}/")
        except BLOB_ERRORS as error:
            log.warning("uploads.not_aborted", batch=batch["_id"], error=repr(error))

    async def _delete_objects(self, batch: Document) -> None:
        while await self._blobs.delete_some(f"{batch['account_id']}/{batch['_id']}/"):
            log.debug("batch.objects_going", batch=batch["_id"])


def _running(batch: Document) -> PresslineError:
    if "cancel_requested_ms" in batch:
        message = "The batch is still being cancelled; it can be deleted in a moment."
        return PresslineError(Reason.CONFLICT, message, retry_after=BUSY_RETRY_SECONDS)
    return PresslineError(Reason.CONFLICT, "The batch is running; cancel it or let it end before deleting it.")

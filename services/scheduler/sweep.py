"""Repair: every few seconds, on every replica, whatever a killed process left half done is finished."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import structlog

from services.common import bus
from services.common.bus import Bus
from services.common.failpoints import Failpoint, failpoint
from services.scheduler import audit, clock, feed, model, usage
from services.scheduler.cancel import Canceller
from services.scheduler.dispatch import Dispatcher
from services.scheduler.finish import Finisher
from services.scheduler.store.database import Document
from services.scheduler.stores import Stores
from services.scheduler.usage import Meter

# An item is rung for again when nobody claimed it for so long although nothing waits before it.
UNCLAIMED_MS = 15_000
# JetStream redelivers by itself; the sweep rings only when a lease has been over for a while.
EXPIRED_MS = 10_000
_SUBSCRIPTIONS = {model.FAST: bus.FAST, model.BULK: bus.BULK}
log = structlog.get_logger()


class Sweeper:
    """Reconciles what one step wrote with what the next one should have."""

    def __init__(
        self,
        stores: Stores,
        message_bus: Bus,
        dispatcher: Dispatcher,
        finisher: Finisher,
        canceller: Canceller,
        meter: Meter,
    ) -> None:
        self._stores = stores
        self._bus = message_bus
        self._dispatcher = dispatcher
        self._finisher = finisher
        self._canceller = canceller
        self._meter = meter

    async def sweep(self) -> None:
        """One round. A step that fails is logged and does not keep the others from running."""
        active = await self._stores.batches.active()
        steps: list[Callable[[], Awaitable[None]]] = [
            lambda: self._cancellations(active),
            lambda: self._slots(active),
            lambda: self._due_to_finish(active),
            lambda: self._places(active),
            lambda: self._meter.repair(active),
            self._outbox,
            self._abandoned,
            self._expired_records,
        ]
        for step in steps:
            try:
                await step()
            except Exception as error:
                log.warning("sweep.step_failed", error=repr(error))

    async def _cancellations(self, active: Sequence[Document]) -> None:
        for batch in active:
            if "cancel_requested_ms" in batch:
                await self._canceller.settle(batch["_id"])

    async def _slots(self, active: Sequence[Document]) -> None:
        """A slot's item is ended (free it), never dispatched (do it), or lost on the way (ring again)."""
        quiet = {lane: await self._bus.waiting(subscription) == 0 for lane, subscription in _SUBSCRIPTIONS.items()}
        for batch in active:
            if "cancel_requested_ms" in batch:
                continue
            for item in await self._stores.items.live(batch["slots"]):
                await self._repair(item, batch["lane"], quiet=quiet[batch["lane"]])

    async def _repair(self, item: Document, lane: str, *, quiet: bool) -> None:
        now = clock.now_ms()
        if item["state"] in model.ENDED_ITEM:
            await self._finisher.item_ended(item["_id"])
        elif item["state"] == model.PENDING:
            await self._dispatcher.offer(item["batch_id"], [item["_id"]], lane)
        elif quiet and _is_lost(item, now):
            again = await self._stores.items.ring_again(item, now)
            if again is not None:
                failpoint(Failpoint.SWEEP_RING_COUNTED)
                log.info("item.rung_again", item=item["_id"], dispatch=again["dispatch_n"])
                await self._dispatcher.ring(again["_id"], again["dispatch_n"], lane)

    async def _due_to_finish(self, active: Sequence[Document]) -> None:
        for batch in active:
            if batch["next_index"] == batch["total"] and not batch["slots"]:
                await self._finisher.finish(batch["_id"])

    async def _places(self, active: Sequence[Document]) -> None:
        """Free the places of batches that are over.

        Accounts are read after the batches, so a place taken in between is looked at again before it is freed.
        """
        seen = {batch["_id"] for batch in active}
        for account in await self._stores.accounts.with_running():
            for batch_id in account["running"]:
                if batch_id not in seen and await self._is_over(batch_id):
                    await self._stores.accounts.leave_place(account["_id"], batch_id)

    async def _is_over(self, batch_id: str) -> bool:
        batch = await self._stores.batches.get(batch_id)
        return batch is None or "active" not in batch

    async def _outbox(self) -> None:
        for batch in await self._stores.batches.unannounced():
            await self._finisher.announce(batch)

    async def _abandoned(self) -> None:
        now = clock.now_ms()
        for batch in await self._stores.batches.creating():
            if batch["lease_ms"] < now and await self._stores.batches.abandon(batch["_id"], now):
                failpoint(Failpoint.SWEEP_GIVEN_UP)
                await self._stores.items.delete_of(batch["_id"])
                failpoint(Failpoint.SWEEP_ITEMS_DELETED)
                await self._stores.requests.delete(batch["_id"])
                await self._stores.batches.delete(batch["_id"])
                log.info("batch.abandoned", batch=batch["_id"])

    async def _expired_records(self) -> None:
        now = clock.now_ms()
        await self._stores.idempotency.forget_expired(now)
        await self._stores.inspections.forget(now)
        await self._stores.accounts.forget_windows(now // 60_000 - 1)
        await self._stores.keys.forget_expired(now)
        await self._stores.events.forget(now - feed.KEPT_MS, feed.FORGOTTEN_AT_ONCE)
        await self._stores.audit.forget(now - audit.KEPT_MS)
        await self._stores.usage.forget(now - usage.LEDGER_KEPT_MS)


def _is_lost(item: Document, now: int) -> bool:
    if item["state"] == model.DISPATCHED:
        return bool(item["dispatched_ms"] < now - UNCLAIMED_MS)
    return bool(item["lease_ms"] < now - EXPIRED_MS and item["dispatched_ms"] < now - UNCLAIMED_MS)

"""What follows when items end: slots are freed, batches end, their end is announced."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Protocol

import structlog

from pressline.batch.v1 import batch_pb2
from pressline.event.v1 import event_pb2
from services.common import bus, ids
from services.common.bus import Bus
from services.common.failpoints import Failpoint, failpoint
from services.scheduler import clock, envelope, model
from services.scheduler.model import Counts
from services.scheduler.slots import Slots
from services.scheduler.store.database import Document
from services.scheduler.stores import Stores
from services.scheduler.usage import Meter
from services.scheduler.waiting import Waiters

log = structlog.get_logger()


class Wake(Protocol):
    """Tells the dispatcher that there may be something to do."""

    def __call__(self, *, urgent: bool = False) -> None:
        """Do it at once when it is urgent."""


class Finisher:
    """Every step may be repeated by anyone, any number of times.

    Args:
        stores: the state.
        bus: where ends are announced.
        wake: called when a slot or a place became free, and told whether somebody waits for just that.
        waiters: told of every item that ends.
        meter: told what a batch's renders came to.
    """

    def __init__(self, stores: Stores, message_bus: Bus, wake: Wake, waiters: Waiters, meter: Meter) -> None:
        self._stores = stores
        self._bus = message_bus
        self._wake = wake
        self._waiters = waiters
        self._meter = meter
        self._slots = Slots(stores.batches)

    async def item_ended(self, item_id: str) -> None:
        """Free an ended item's slot, now or soon, and end its batch if it was the last."""
        self._waiters.item_ended(item_id)
        if not self._slots.gathers(item_id):
            await self._free(ids.batch_of(item_id), [item_id])

    async def free_gathered(self) -> None:
        """Free the slots that could wait until now."""
        for batch_id, item_ids in self._slots.gathered().items():
            try:
                await self._free(batch_id, sorted(item_ids))
            except Exception as error:  # The next sweep finds that they have ended.
                log.warning("slots.delayed", batch=batch_id, error=repr(error))

    async def finish(self, batch_id: str) -> None:
        """End a batch whose items have all ended; of any other nothing changes."""
        batch, by_state = await asyncio.gather(self._stores.batches.get(batch_id), self._stores.items.counts(batch_id))
        if batch is None or "active" not in batch:
            return
        counts = Counts.of_states(batch["total"], by_state)
        if counts.ended < counts.total:
            return
        state = model.CANCELLED if "cancel_requested_ms" in batch else model.outcome(counts)
        now = clock.now_ms()
        fields: Document = {"counts": asdict(counts), "ended_ms": now}
        if not batch["single"]:
            fields |= {"event_id": ids.new("evt"), "event_body": await self._body(batch, state, counts, now)}
        ended = await self._stores.batches.end(batch_id, state, fields)
        if not ended and "cancel_requested_ms" not in batch:
            await self._finish_if_cancelled(batch_id)
            return
        failpoint(Failpoint.FINISH_BATCH_ENDED)
        await self._stores.accounts.leave_place(batch["account_id"], batch_id)
        failpoint(Failpoint.FINISH_PLACE_LEFT)
        await self._meter.settle(batch_id, counts.succeeded)
        failpoint(Failpoint.FINISH_SETTLED)
        self._wake(urgent=True)
        if ended:
            log.info("batch.ended", batch=batch_id, state=state, **asdict(counts))
            await self._bus.hints.give(batch_id, last=True)
            if "event_id" in fields:
                await self._announce_or_leave({**batch, **fields})

    async def announce(self, batch: Document) -> None:
        """Put the end of a batch into its account's feed, make its deliveries and ring for them."""
        await self._stores.events.append(
            batch["account_id"],
            batch["event_id"],
            {"type": envelope.EVENT_TYPE, "body": batch["event_body"], "created_ms": batch["ended_ms"]},
        )
        failpoint(Failpoint.PUBLISH_IN_FEED)
        await self._address(batch)
        failpoint(Failpoint.PUBLISH_ADDRESSED)
        reference = event_pb2.EventRef(
            event_id=batch["event_id"], type=envelope.EVENT_TYPE, account_id=batch["account_id"]
        )
        await self._bus.publish(bus.EVENTS, reference.SerializeToString(), batch["event_id"])
        failpoint(Failpoint.PUBLISH_RUNG)
        await self._stores.batches.announced(batch["_id"])

    async def _address(self, batch: Document) -> None:
        """Make one delivery for the batch's own receiver and one for each subscription."""
        deliveries, now = self._stores.deliveries, clock.now_ms()
        if batch["webhook_url"]:
            await deliveries.insert(batch, batch["webhook_url"], now)
        for subscription in await self._stores.subscriptions.of_account(batch["account_id"]):
            if envelope.EVENT_TYPE in subscription["events"] and not subscription["disabled"]:
                await deliveries.insert(batch, subscription["url"], now, subscription["subscription_id"])

    async def _free(self, batch_id: str, item_ids: Sequence[str]) -> None:
        batch = await self._slots.give_back(batch_id, item_ids)
        failpoint(Failpoint.COMPLETE_SLOT_FREED)
        self._wake(urgent=batch is not None and batch["in_flight"] + len(item_ids) == batch["window"])
        if await self._others_follow(batch_id, batch):
            await self._bus.hints.give(batch_id)
        else:
            await self.finish(batch_id)

    async def _others_follow(self, batch_id: str, batch: Document | None) -> bool:
        """Whether items of a batch are still to end.

        Args:
            batch_id: the batch.
            batch: it after a slot was given back; None when there was none to give.
        """
        if batch is None or batch.get("refused") != 0:
            # Slots of items that were refused at submit are given back without a look.
            return await self._stores.items.any_open(batch_id)
        return bool(batch["in_flight"] or batch["next_index"] < batch["total"])

    async def _finish_if_cancelled(self, batch_id: str) -> None:
        """Somebody else has ended a batch, or has asked to cancel it since it was read."""
        batch = await self._stores.batches.get(batch_id)
        if batch is not None and "cancel_requested_ms" in batch:
            await self.finish(batch_id)

    async def _announce_or_leave(self, batch: Document) -> None:
        try:
            await self.announce(batch)
        except Exception as error:  # The outbox still holds it: the next sweep announces it.
            log.warning("announce.delayed", batch=batch["_id"], error=repr(error))

    async def _body(self, batch: Document, state: str, counts: Counts, now: int) -> bytes:
        listed = batch["dialect"] == batch_pb2.DIALECT_DECKLE
        states = await self._stores.items.states(batch["_id"]) if listed else []
        return envelope.body(batch["dialect"], batch["_id"], state, counts, now, states, batch["metadata"])

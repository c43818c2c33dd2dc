"""Choosing what is rendered next: places for batches, slots for items, turns for accounts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

import structlog

from pressline.task.v1 import task_pb2
from services.common import bus, ids, lifecycle
from services.common.bus import Bus
from services.common.failpoints import Failpoint, failpoint
from services.scheduler import clock, model
from services.scheduler.backlog import Backlog
from services.scheduler.pace import Pace
from services.scheduler.plans import Plans
from services.scheduler.rotation import Rotation
from services.scheduler.store.database import Document
from services.scheduler.stores import Stores

ROUND_SECONDS = 0.5
# Items whose rows were refused at submit are passed over; other batches must not wait for thousands of them.
SKIPPED_A_ROUND = 200
# With a thousand active batches a look takes the embedded database a third of a second.
QUICK_LOOK_SECONDS, REST_FACTOR, LONGEST_REST_SECONDS = 0.05, 3, 1.0
# Large batches let a new one go first, but not every new one for ever.
FEW_ITEMS = 8
_LANES = {model.FAST: bus.FAST, model.BULK: bus.BULK}
log = structlog.get_logger()


class Dispatcher:
    """Moves work to the renderers. Any number may run: each step is decided by one document.

    Args:
        stores: the state.
        bus: where jobs are announced.
        plans: how many batches an account may have running.
        pace: how many items may wait in a lane.
        backlog: the active batches.
    """

    def __init__(self, stores: Stores, message_bus: Bus, plans: Plans, pace: Pace, backlog: Backlog) -> None:
        self._stores = stores
        self._backlog = backlog
        self._bus = message_bus
        self._plans = plans
        self._pace = pace
        self._work = asyncio.Event()
        self._batch_came = asyncio.Event()
        self._rest_seconds = 0.0
        self._rotation = Rotation()

    def wake(self) -> None:
        """Something may have become possible."""
        self._work.set()

    def batch_came(self) -> None:
        """There is a new batch: large ones let it go first."""
        self._batch_came.set()
        self._work.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Dispatch until stopped."""
        while not stop.is_set():
            self._work.clear()
            try:
                await self._round()
            except Exception as error:
                log.warning("dispatch.interrupted", error=repr(error))
            await lifecycle.wait(self._work, ROUND_SECONDS)
            await lifecycle.wait(self._batch_came, self._rest_seconds)

    async def offer(self, item_id: str, lane: str) -> bool:
        """Announce a pending item that holds a slot; one that has ended gives its slot back. True when announced."""
        item = await self._stores.items.dispatch(item_id, clock.now_ms())
        if item is not None:
            failpoint(Failpoint.DISPATCH_ITEM_DISPATCHED)
            await self.ring(item, lane)
            failpoint(Failpoint.DISPATCH_RUNG)
            return True
        found = await self._stores.items.get(item_id)
        if found is None or found["state"] in model.ENDED_ITEM:
            await self._stores.batches.release_slot(ids.batch_of(item_id), item_id, passed_over=True)
        return False

    async def ring(self, item: Document, lane: str) -> None:
        """Publish the job of a dispatched item; the count in the message id lets each dispatch through once."""
        reference = task_pb2.TaskRef(item_id=item["_id"], dispatch_n=item["dispatch_n"])
        message_id = f"{item['_id']}:{item['dispatch_n']}"
        await self._bus.publish(_LANES[lane].subject, reference.SerializeToString(), message_id)

    async def _round(self) -> None:
        self._batch_came.clear()
        began = time.monotonic()
        active = await self._backlog.look()
        self._rest_seconds = rest_seconds(time.monotonic() - began)
        self._rotation.forget_others(active)
        if not active:
            return
        await self._start_waiting(active)
        for lane, subscription in _LANES.items():
            ready = [batch for batch in active if batch["lane"] == lane and _has_next(batch)]
            if ready:
                room = self._pace.room(await self._bus.waiting(subscription))
                await self._deal(ready, room, patient=lane == model.BULK)

    async def _start_waiting(self, active: Iterable[Document]) -> None:
        full: set[str] = set()
        for batch in active:
            account_id = batch["account_id"]
            if batch["state"] != model.PENDING or "cancel_requested_ms" in batch:
                continue
            if account_id in full and not batch["single"]:
                continue
            if not await self._start(account_id, batch):
                full.add(account_id)

    async def _start(self, account_id: str, batch: Document) -> bool:
        if not batch["single"] and not await self._has_place(account_id, batch["_id"]):
            return False
        failpoint(Failpoint.DISPATCH_PLACE_TAKEN)
        now = clock.now_ms()
        if await self._stores.batches.start(batch["_id"], now):
            failpoint(Failpoint.DISPATCH_BATCH_STARTED)
            batch.update(state=model.PROCESSING, started_ms=now)
        return True

    async def _has_place(self, account_id: str, batch_id: str) -> bool:
        account = await self._stores.accounts.get(account_id)
        if account is None:
            return False
        limit = self._plans.limits(account["plan"]).concurrent_batches
        return batch_id in account["running"] or await self._stores.accounts.take_place(account_id, batch_id, limit)

    async def _deal(self, ready: list[Document], room: int, *, patient: bool) -> None:
        """Give one item to each account in turn, and within an account to each batch in turn.

        Args:
            ready: batches that have a next item.
            room: items that may be given.
            patient: break off after a few when a new batch comes.
        """
        turns = self._rotation.of(ready)
        skipped, few = 0, room - FEW_ITEMS
        while room > 0 and turns and skipped < SKIPPED_A_ROUND:
            if patient and room <= few and self._batch_came.is_set():
                break
            mine = turns.popleft()
            batch = mine.popleft()
            taken = await self._stores.batches.take_next(batch)
            if taken is not None:
                self._rotation.took(batch)
                failpoint(Failpoint.DISPATCH_SLOT_TAKEN)
                if await self.offer(ids.item_id(batch["_id"], batch["next_index"]), batch["lane"]):
                    room -= 1
                else:
                    skipped += 1
                if _has_next(taken):
                    mine.append(taken)
            if mine:
                turns.append(mine)
        if skipped:
            self.wake()  # Their slots are free again.


def rest_seconds(look_seconds: float) -> float:
    """How long the database is left to others after a look: not at all after a quick one."""
    return min(max(look_seconds - QUICK_LOOK_SECONDS, 0) * REST_FACTOR, LONGEST_REST_SECONDS)


def _has_next(batch: Document) -> bool:
    return bool(
        batch["state"] == model.PROCESSING
        and "cancel_requested_ms" not in batch
        and batch["next_index"] < batch["total"]
        and batch["in_flight"] < batch["window"]
    )

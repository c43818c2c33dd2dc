"""Choosing what is rendered next: places for batches, slots for items, turns for accounts."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable

import structlog

from pressline.task.v1 import task_pb2
from services.common import bus, ids, lifecycle
from services.common.bus import Bus
from services.scheduler import clock, model
from services.scheduler.pace import Pace
from services.scheduler.plans import Plans
from services.scheduler.store.database import Document
from services.scheduler.stores import Stores

ROUND_SECONDS = 0.5
# Items whose rows were refused at submit are passed over; other batches must not wait for thousands of them.
SKIPPED_A_ROUND = 200
_LANES = {model.FAST: bus.FAST, model.BULK: bus.BULK}
log = structlog.get_logger()


class Dispatcher:
    """Moves work to the renderers. Any number may run: each step is decided by one document.

    Args:
        stores: the state.
        bus: where jobs are announced.
        plans: how many batches an account may have running.
        pace: how many items may wait in a lane.
    """

    def __init__(self, stores: Stores, message_bus: Bus, plans: Plans, pace: Pace) -> None:
        self._stores = stores
        self._bus = message_bus
        self._plans = plans
        self._pace = pace
        self._work = asyncio.Event()
        self._first_account = 0

    def wake(self) -> None:
        """Something may have become possible."""
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

    async def offer(self, item_id: str, lane: str) -> bool:
        """Announce a pending item that holds a slot; one that has ended gives its slot back. True when announced."""
        item = await self._stores.items.dispatch(item_id, clock.now_ms())
        if item is not None:
            await self.ring(item, lane)
            return True
        found = await self._stores.items.get(item_id)
        if found is None or found["state"] in model.ENDED_ITEM:
            await self._stores.batches.release_slot(ids.batch_of(item_id), item_id)
        return False

    async def ring(self, item: Document, lane: str) -> None:
        """Publish the job of a dispatched item; the count in the message id lets each dispatch through once."""
        reference = task_pb2.TaskRef(item_id=item["_id"], dispatch_n=item["dispatch_n"])
        message_id = f"{item['_id']}:{item['dispatch_n']}"
        await self._bus.publish(_LANES[lane].subject, reference.SerializeToString(), message_id)

    async def _round(self) -> None:
        active = await self._stores.batches.active()
        if not active:
            return
        await self._start_waiting(active)
        for lane, subscription in _LANES.items():
            ready = [batch for batch in active if batch["lane"] == lane and _has_next(batch)]
            if ready:
                room = self._pace.room(await self._bus.waiting(subscription))
                await self._deal(ready, room)

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
        now = clock.now_ms()
        if await self._stores.batches.start(batch["_id"], now):
            batch.update(state=model.PROCESSING, started_ms=now)
        return True

    async def _has_place(self, account_id: str, batch_id: str) -> bool:
        account = await self._stores.accounts.get(account_id)
        if account is None:
            return False
        limit = self._plans.limits(account["plan"]).concurrent_batches
        return batch_id in account["running"] or await self._stores.accounts.take_place(account_id, batch_id, limit)

    async def _deal(self, ready: list[Document], room: int) -> None:
        """Give one item to each account in turn, and within an account to each batch in turn."""
        turns = self._turns(ready)
        skipped = 0
        while room > 0 and turns and skipped < SKIPPED_A_ROUND:
            mine = turns.popleft()
            batch = mine.popleft()
            taken = await self._stores.batches.take_next(batch)
            if taken is not None:
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

    def _turns(self, ready: list[Document]) -> deque[deque[Document]]:
        accounts: dict[str, deque[Document]] = {}
        for batch in ready:
            accounts.setdefault(batch["account_id"], deque()).append(batch)
        turns = deque(accounts.values())
        self._first_account += 1
        turns.rotate(-self._first_account)
        return turns


def _has_next(batch: Document) -> bool:
    return bool(
        batch["state"] == model.PROCESSING
        and "cancel_requested_ms" not in batch
        and batch["next_index"] < batch["total"]
        and batch["in_flight"] < batch["window"]
    )

"""Choosing what is rendered next: places for batches, slots for items, turns for accounts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence

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
# While the renderers have enough to do, what became free is dealt together.
REST_SECONDS = 0.25
# With a thousand active batches a look takes the embedded database a third of a second.
QUICK_LOOK_SECONDS, REST_FACTOR, LONGEST_REST_SECONDS = 0.05, 3, 1.0
LARGEST_HAND = 8
# Items are pending only before that.
FIRST_DISPATCH = 1
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
        self._urgent = asyncio.Event()
        self._rest_seconds = 0.0
        self._rotation = Rotation()

    def wake(self, *, urgent: bool = False) -> None:
        """Something may have become possible; when it is urgent nobody rests, and large batches let it go first."""
        if urgent:
            self._urgent.set()
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
            await lifecycle.wait(self._urgent, self._rest_seconds)

    async def offer(self, batch_id: str, item_ids: Sequence[str], lane: str) -> int:
        """Announce pending items that hold slots; those that have ended give theirs back. How many were announced."""
        if await self._stores.items.dispatch(item_ids, clock.now_ms()) == len(item_ids):
            due = item_ids
        else:
            due = await self._pass_over_ended(batch_id, item_ids)
        failpoint(Failpoint.DISPATCH_ITEM_DISPATCHED)
        await asyncio.gather(*(self._ring_first(item_id, lane) for item_id in due))
        return len(due)

    async def ring(self, item_id: str, dispatch_n: int, lane: str) -> None:
        """Publish the job of a dispatched item; the count in the message id lets each dispatch through once."""
        reference = task_pb2.TaskRef(item_id=item_id, dispatch_n=dispatch_n)
        await self._bus.publish(_LANES[lane].subject, reference.SerializeToString(), f"{item_id}:{dispatch_n}")

    async def _ring_first(self, item_id: str, lane: str) -> None:
        await self.ring(item_id, FIRST_DISPATCH, lane)
        failpoint(Failpoint.DISPATCH_RUNG)

    async def _pass_over_ended(self, batch_id: str, item_ids: Sequence[str]) -> Sequence[str]:
        """Give back the slots of items that have ended; those of the others that nobody can have claimed yet."""
        found = {item["_id"]: item for item in await self._stores.items.live(item_ids)}
        for item_id in item_ids:
            if item_id not in found or found[item_id]["state"] in model.ENDED_ITEM:
                await self._stores.batches.release_slots(batch_id, [item_id], passed_over=True)
        return [item_id for item_id, item in found.items() if item["state"] == model.DISPATCHED]

    async def _round(self) -> None:
        self._urgent.clear()
        began = time.monotonic()
        active = await self._backlog.look()
        looked = time.monotonic() - began
        self._rotation.forget_others(active)
        used = {batch["lane"] for batch in active}
        lanes = {lane: subscription for lane, subscription in _LANES.items() if lane in used}
        _, waiting = await asyncio.gather(
            self._start_waiting(active), asyncio.gather(*(self._bus.waiting(lane) for lane in lanes.values()))
        )
        enough = [await self._fill(lane, active, found) for lane, found in zip(lanes, waiting, strict=True)]
        self._rest_seconds = rest_seconds(looked, enough=all(enough))

    async def _fill(self, lane: str, active: Iterable[Document], waiting: int) -> bool:
        """Deal items into a lane where so many wait; true when they are far from few, or there was nothing to deal."""
        ready = [batch for batch in active if batch["lane"] == lane and _has_next(batch)]
        if not ready:
            return True
        await self._deal(ready, self._pace.room(waiting), patient=lane == model.BULK)
        return self._pace.is_enough(waiting)

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
        """Give a hand of items to each account in turn, and within an account to each batch in turn.

        A hand is as many as there are for each batch, and not more than a few: what it takes is written at once.

        Args:
            ready: batches that have a next item.
            room: items that may be given.
            patient: break off after a few when a new batch comes.
        """
        turns = self._rotation.of(ready)
        skipped, few, hand = 0, room - FEW_ITEMS, min(max(room // len(ready), 1), LARGEST_HAND)
        while room > 0 and turns and skipped < SKIPPED_A_ROUND:
            if patient and room <= few and self._urgent.is_set():
                break
            mine = turns.popleft()
            batch = mine.popleft()
            taken = await self._stores.batches.take(batch, min(hand, room))
            if taken is not None:
                self._rotation.took(batch)
                failpoint(Failpoint.DISPATCH_SLOT_TAKEN)
                indexes = range(batch["next_index"], taken["next_index"])
                item_ids = [ids.item_id(batch["_id"], index) for index in indexes]
                announced = await self.offer(batch["_id"], item_ids, batch["lane"])
                room -= announced
                skipped += len(item_ids) - announced
                if _has_next(taken):
                    mine.append(taken)
            if mine:
                turns.append(mine)
        if skipped:
            self.wake()  # Their slots are free again.


def rest_seconds(look_seconds: float, *, enough: bool) -> float:
    """How long the database is left to others after a round.

    Args:
        look_seconds: how long the look at the active batches took.
        enough: whether the renderers have enough to do meanwhile.
    """
    after_look = max(look_seconds - QUICK_LOOK_SECONDS, 0) * REST_FACTOR
    return min(max(after_look, REST_SECONDS if enough else 0), LONGEST_REST_SECONDS)


def _has_next(batch: Document) -> bool:
    return bool(
        batch["state"] == model.PROCESSING
        and "cancel_requested_ms" not in batch
        and batch["next_index"] < batch["total"]
        and batch["in_flight"] < batch["window"]
    )

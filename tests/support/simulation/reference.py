"""What the stores of batches and items promise, in memory: the tables of the model, and nothing of a database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.common import ids
from services.scheduler import model
from services.scheduler.model import ITEM_EVENTS, BatchEvent, ItemEvent
from services.scheduler.store.items import Fence

Document = dict[str, Any]
_END = {
    model.COMPLETED: BatchEvent.COMPLETE,
    model.PARTIAL: BatchEvent.COMPLETE_IN_PART,
    model.FAILED: BatchEvent.FAIL,
    model.CANCELLED: BatchEvent.CANCEL,
}


@dataclass(frozen=True)
class Change:
    """An event that happened to an item."""

    item: Document
    event: ItemEvent
    before: str


class ReferenceItems:
    """The items of a few batches."""

    def __init__(self) -> None:
        self.items: dict[str, Document] = {}
        self.changes: list[Change] = []

    async def insert(self, items: Sequence[Document]) -> None:
        for item in items:
            self.items.setdefault(item["_id"], dict(item))

    async def delete_of(self, batch_id: str) -> None:
        self.items = {key: item for key, item in self.items.items() if item["batch_id"] != batch_id}

    async def get(self, item_id: str) -> Document | None:
        item = self.items.get(item_id)
        return dict(item) if item else None

    async def live(self, item_ids: Sequence[str]) -> list[Document]:
        return [dict(self.items[each]) for each in sorted(item_ids) if each in self.items]

    async def counts(self, batch_id: str) -> dict[str, int]:
        return dict(Counter(item["state"] for item in self._of(batch_id)))

    async def states(self, batch_id: str) -> list[str]:
        return [item["state"] for item in sorted(self._of(batch_id), key=lambda item: int(item["index"]))]

    async def any_open(self, batch_id: str) -> bool:
        return any(item["state"] in model.OPEN_ITEM for item in self._of(batch_id))

    async def dispatch(self, item_ids: Sequence[str], now: int) -> int:
        found = [self.items.get(item_id) for item_id in item_ids]
        changed = [self._happen(item, ItemEvent.DISPATCH, {"dispatched_ms": now}, dispatch_n=1) for item in found]
        return sum(item is not None for item in changed)

    async def ring_again(self, seen: Document, now: int) -> Document | None:
        item = self._same(seen, "state", "dispatch_n")
        return self._happen(item, ItemEvent.RING_AGAIN, {"dispatched_ms": now}, dispatch_n=1)

    async def claim(self, item_id: str, lease: Document) -> Document | None:
        item = self.items.get(item_id)
        if item is None or item["attempt"] >= model.MAX_ATTEMPTS or item["crashes"] >= model.MAX_CRASHES:
            return None
        return self._happen(item, ItemEvent.CLAIM, lease, attempt=1)

    async def take_over(self, seen: Document, now: int, lease: Document) -> Document | None:
        item = self._same(seen, "attempt")
        if item is None or item.get("lease_ms", now) >= now:
            return None
        return self._happen(item, ItemEvent.TAKE_OVER, lease, attempt=1, crashes=1)

    async def extend(self, fence: Fence, lease_ms: int) -> bool:
        return self._happen(self._held(fence), ItemEvent.EXTEND, {"lease_ms": lease_ms}) is not None

    async def hand_back(self, fence: Fence, now: int, *, crashed: bool) -> Document | None:
        return self._happen(self._held(fence), ItemEvent.HAND_BACK, {"dispatched_ms": now}, crashes=int(crashed))

    async def end(self, fence: Fence, state: str, result: Document) -> bool:
        event = ItemEvent.SUCCEED if state == model.SUCCEEDED else ItemEvent.FAIL
        return self._happen(self._held(fence), event, result) is not None

    async def fail_unclaimed(self, seen: Document, result: Document) -> bool:
        return self._happen(self._same(seen, "state", "attempt", "lease_ms"), ItemEvent.GIVE_UP, result) is not None

    async def cancel_open(self, batch_id: str, limit: int, now: int) -> int:
        found = [item["_id"] for item in self._of(batch_id) if item["state"] in model.OPEN_ITEM][:limit]
        await self.cancel(found, now)
        return len(found)

    async def cancel(self, item_ids: Sequence[str], now: int) -> None:
        for item_id in item_ids:
            self._happen(self.items.get(item_id), ItemEvent.CANCEL, {"ended_ms": now}, attempt=1)

    def _of(self, batch_id: str) -> list[Document]:
        return [item for item in self.items.values() if item["batch_id"] == batch_id]

    def _same(self, seen: Document, *names: str) -> Document | None:
        item = self.items.get(seen["_id"])
        return item if item and all(item.get(name) == seen.get(name) for name in names) else None

    def _held(self, fence: Fence) -> Document | None:
        return self._same({"_id": fence.item_id, "attempt": fence.attempt, "token": fence.token}, "attempt", "token")

    def _happen(self, item: Document | None, event: ItemEvent, fields: Document, **more: int) -> Document | None:
        if item is None or event not in ITEM_EVENTS[item["state"]]:
            return None
        before = dict(item)
        item.update(fields, state=ITEM_EVENTS[item["state"]][event])
        item.update({name: item[name] + number for name, number in more.items()})
        if item["state"] in model.ENDED_ITEM:
            item.pop("open", None)
            item.pop("lease_ms", None)
        self.changes.append(Change(before, event, before["state"]))
        return dict(item)


class ReferenceBatches:
    """A few batches."""

    def __init__(self) -> None:
        self.batches: dict[str, Document] = {}

    async def insert_creating(self, batch: Document) -> bool:
        if batch["_id"] in self.batches:
            return False
        self.batches[batch["_id"]] = {**batch, "slots": list(batch["slots"]), "state": model.CREATING, "creating": "1"}
        return True

    async def commit(self, batch_id: str) -> bool:
        if self.batches[batch_id]["state"] != model.CREATING:
            return False
        del self.batches[batch_id]["creating"]
        self.batches[batch_id].update(state=model.PENDING, active="1")
        return True

    async def get(self, batch_id: str) -> Document | None:
        batch = self.batches.get(batch_id)
        return _copied(batch) if batch else None

    async def active(self) -> list[Document]:
        found = [_copied(batch) for batch in self.batches.values() if "active" in batch]
        return sorted(found, key=lambda batch: (batch["created_ms"], batch["_id"]))

    async def rendered(self, batch_ids: Sequence[str]) -> set[str]:
        over = model.ENDED_BATCH - {model.CANCELLED}
        return {each for each in batch_ids if each in self.batches and self.batches[each]["state"] in over}

    async def creating(self) -> list[Document]:
        return [_copied(batch) for batch in self.batches.values() if "creating" in batch]

    async def unannounced(self) -> list[Document]:
        return [_copied(batch) for batch in self.batches.values() if "outbox" in batch]

    async def start(self, batch_id: str, now: int) -> bool:
        batch = self.batches[batch_id]
        if BatchEvent.START not in model.BATCH_EVENTS[batch["state"]]:
            return False
        batch.update(state=model.BATCH_EVENTS[batch["state"]][BatchEvent.START], started_ms=now)
        return True

    async def take(self, seen: Document, most: int) -> Document | None:
        batch = self.batches[seen["_id"]]
        count = min(most, seen["window"] - seen["in_flight"], seen["total"] - seen["next_index"])
        is_free = batch["in_flight"] + count <= seen["window"] and "cancel_requested_ms" not in batch
        if batch["state"] != model.PROCESSING or batch["next_index"] != seen["next_index"] or not is_free:
            return None
        for _ in range(count):
            batch["slots"].append(ids.item_id(batch["_id"], batch["next_index"]))
            batch["in_flight"] += 1
            batch["next_index"] += 1
        return _copied(batch)

    async def release_slots(
        self, batch_id: str, item_ids: Sequence[str], *, passed_over: bool = False
    ) -> Document | None:
        batch = self.batches[batch_id]
        if not set(item_ids) <= set(batch["slots"]):
            return None
        batch["slots"] = [each for each in batch["slots"] if each not in item_ids]
        batch["in_flight"] -= len(item_ids)
        if passed_over:
            batch["passed_over"] = batch.get("passed_over", 0) + len(item_ids)
        return {name: batch[name] for name in ("_id", "in_flight", "window", "refused", "next_index", "total")}

    async def request_cancel(self, batch_id: str, now: int) -> bool:
        batch = self.batches[batch_id]
        if "active" not in batch or "cancel_requested_ms" in batch:
            return False
        batch["cancel_requested_ms"] = now
        return True

    async def end(self, batch_id: str, state: str, fields: Document) -> bool:
        batch = self.batches[batch_id]
        if _END[state] not in model.BATCH_EVENTS[batch["state"]]:
            return False
        if "cancel_requested_ms" in batch and state != model.CANCELLED:
            return False
        batch.update(fields, state=state, slots=[], in_flight=0)
        del batch["active"]
        if "event_id" in fields:
            batch["outbox"] = "1"
        return True

    async def announced(self, batch_id: str) -> None:
        self.batches[batch_id].pop("outbox", None)


def _copied(batch: Document) -> Document:
    return {**batch, "slots": list(batch["slots"])}

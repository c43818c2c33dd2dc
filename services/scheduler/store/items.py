"""Item documents. An item's `attempt` and `token` fence out every renderer but the one that holds its lease."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pymongo import ReturnDocument

from services.common import ids
from services.scheduler import model
from services.scheduler.model import ItemEvent
from services.scheduler.store.database import Collection, Database, Document, insert_new
from services.scheduler.store.fixed import FixedParts

# Fields that conditions ask for or changes write; all others stay as they were inserted.
_LIVE = frozenset({"_id", "batch_id", "index", "open", "state", "attempt", "dispatch_n", "crashes"})


@dataclass(frozen=True)
class Fence:
    """What a renderer must show to write to an item."""

    item_id: str
    attempt: int
    token: str

    @property
    def query(self) -> Document:
        """Matches the item while the lease is the current one."""
        return {"_id": self.item_id, "attempt": self.attempt, "token": self.token}


class Items:
    """The items collection.

    `open` holds the batch's id until the item ends, so that looking for unfinished items costs the same however
    many have finished. What an item was submitted with is stored in one field, `fixed`, or apart: servers take as long
    for a field as for a document's worth of bytes, and batches are inserted by the ten thousand. Whoever gets a whole
    item sees nothing of it.
    """

    def __init__(self, database: Database) -> None:
        self._items: Collection = database.collection("items")
        self._fixed = FixedParts(database, _LIVE)

    async def insert(self, items: Sequence[Document]) -> None:
        """Store items; those that an earlier try of the same call stored stay as they are."""
        await insert_new(self._items, await self._fixed.packed(items))

    async def delete_of(self, batch_id: str) -> None:
        """Delete every item of a batch."""
        await self._items.delete_many({"batch_id": batch_id})
        await self._fixed.delete_of(batch_id)

    async def get(self, item_id: str) -> Document | None:
        """An item."""
        found = await self._fixed.whole(await self._items.find({"_id": item_id}).to_list(None))
        return found[0] if found else None

    async def live(self, item_ids: Sequence[str]) -> list[Document]:
        """What changes of items, by id, in the order of their ids; unknown ones are left out."""
        if not item_ids:
            return []
        found = await self._items.find({"_id": {"$in": list(item_ids)}}, {"fixed": 0}).to_list(None)
        return sorted(found, key=lambda item: str(item["_id"]))

    async def page(self, batch_id: str, first: int, limit: int, total: int) -> list[Document]:
        """Items `first` to `first + limit - 1` of a batch, found by their derived ids."""
        found = await self.in_states([ids.item_id(batch_id, i) for i in range(first, min(first + limit, total))], [])
        return [found[item_id] for item_id in sorted(found)]

    async def in_states(self, item_ids: Sequence[str], states: Sequence[str]) -> dict[str, Document]:
        """Those of some items that are in some states, or in any, by id."""
        if not item_ids:
            return {}
        query: Document = {"_id": {"$in": list(item_ids)}}
        if states:
            query["state"] = {"$in": list(states)}
        found = await self._fixed.whole(await self._items.find(query).to_list(None))
        return {str(item["_id"]): item for item in found}

    async def page_in_states(
        self, batch_id: str, states: Sequence[str], first: int, skip: int, limit: int
    ) -> list[Document]:
        """Items of a batch in some states, from an index on, by index."""
        query = {"batch_id": batch_id, "state": {"$in": list(states)}, "index": {"$gte": first}}
        found = await self._items.find(query).sort("index", 1).skip(skip).limit(limit).to_list(None)
        return await self._fixed.whole(found)

    async def counts(self, batch_id: str) -> dict[str, int]:
        """Number of items in each state."""
        rows = await self._items.aggregate(
            [{"$match": {"batch_id": batch_id}}, {"$group": {"_id": "$state", "n": {"$sum": 1}}}]
        )
        return {row["_id"]: row["n"] async for row in rows}

    async def states(self, batch_id: str) -> list[str]:
        """The state of every item, by index."""
        rows = await self._items.find({"batch_id": batch_id}, {"state": 1, "index": 1}).to_list(None)
        return [row["state"] for row in sorted(rows, key=lambda row: int(row["index"]))]

    async def any_open(self, batch_id: str) -> bool:
        """True while an item of the batch has not ended."""
        return await self._items.find_one({"open": batch_id}, {"_id": 1}) is not None

    async def ended_among(self, item_ids: Sequence[str]) -> list[str]:
        """Which of some items have ended."""
        if not item_ids:
            return []
        query = {"_id": {"$in": list(item_ids)}, "state": {"$in": list(model.ENDED_ITEM)}}
        return [str(item["_id"]) async for item in self._items.find(query, {"_id": 1})]

    async def dispatch(self, item_ids: Sequence[str], now: int) -> int:
        """pending → dispatched, of those that are pending; how many were."""
        result = await self._items.update_many(
            {"_id": {"$in": list(item_ids)}, **_when(ItemEvent.DISPATCH)}, _dispatch(now)
        )
        return result.modified_count

    async def ring_again(self, item: Document, now: int) -> Document | None:
        """Count one more dispatch of an item that nobody has claimed, or whose lease expired."""
        if item["state"] not in model.states_before(ItemEvent.RING_AGAIN):
            return None
        seen = {"_id": item["_id"], "state": item["state"], "dispatch_n": item["dispatch_n"]}
        return await self._change(seen, {"$set": {"dispatched_ms": now}, "$inc": {"dispatch_n": 1}})

    async def claim(self, item_id: str, lease: Document) -> Document | None:
        """dispatched → rendering under a new lease and attempt, unless it was tried or lost renderers too often."""
        return await self._change(
            {
                "_id": item_id,
                "attempt": {"$lt": model.MAX_ATTEMPTS},
                "crashes": {"$lt": model.MAX_CRASHES},
                **_when(ItemEvent.CLAIM),
            },
            {"$set": {**lease, "state": model.state_after(ItemEvent.CLAIM)}, "$inc": {"attempt": 1}},
        )

    async def take_over(self, item: Document, now: int, lease: Document) -> Document | None:
        """Lease an item anew whose lease expired, counting a crash against it."""
        return await self._change(
            {
                "_id": item["_id"],
                "attempt": item["attempt"],
                "lease_ms": {"$lt": now},
                **_when(ItemEvent.TAKE_OVER),
            },
            {"$set": lease, "$inc": {"attempt": 1, "crashes": 1}},
        )

    async def extend(self, fence: Fence, lease_ms: int) -> bool:
        """Prolong a lease; false when it is not the current one."""
        return await self._write({**fence.query, **_when(ItemEvent.EXTEND)}, {"$set": {"lease_ms": lease_ms}})

    async def hand_back(self, fence: Fence, now: int, *, crashed: bool) -> Document | None:
        """rendering → dispatched, keeping its slot; the item after it."""
        state = model.state_after(ItemEvent.HAND_BACK)
        change = {"$set": {"state": state, "dispatched_ms": now}, "$inc": {"crashes": int(crashed)}}
        return await self._change({**fence.query, **_when(ItemEvent.HAND_BACK)}, change)

    async def end(self, fence: Fence, state: str, result: Document) -> bool:
        """rendering → succeeded or failed; false when the lease is not the current one."""
        event = ItemEvent.SUCCEED if state == model.SUCCEEDED else ItemEvent.FAIL
        return await self._write({**fence.query, **_when(event)}, _end(event, result))

    async def fail_unclaimed(self, item: Document, result: Document) -> bool:
        """Fail an item as it was read, holding no lease on it; false when it changed meanwhile."""
        if item["state"] not in model.states_before(ItemEvent.GIVE_UP):
            return False
        seen = {"_id": item["_id"], "state": item["state"], "attempt": item["attempt"]}
        if "lease_ms" in item:
            seen["lease_ms"] = item["lease_ms"]  # Whoever holds it may have extended it since.
        return await self._write(seen, _end(ItemEvent.GIVE_UP, result))

    async def cancel_open(self, batch_id: str, limit: int, now: int) -> int:
        """Cancel up to `limit` open items and fence out their renderers; how many were found open."""
        found = await self._items.find({"open": batch_id}, {"_id": 1}).limit(limit).to_list(None)
        await self.cancel([item["_id"] for item in found], now)
        return len(found)

    async def cancel(self, item_ids: Sequence[str], now: int) -> None:
        """Cancel those of some items that are open, and fence out their renderers."""
        if not item_ids:
            return  # An empty `$in` would be looked for in every item that there is.
        await self._items.update_many(
            {"_id": {"$in": list(item_ids)}, **_when(ItemEvent.CANCEL)},
            {**_end(ItemEvent.CANCEL, {"ended_ms": now}), "$inc": {"attempt": 1}},
        )

    async def _write(self, query: Document, change: Document) -> bool:
        """Whether there was an item to change."""
        return (await self._items.update_one(query, change)).matched_count == 1

    async def _change(self, query: Document, change: Document) -> Document | None:
        """The whole item after a change."""
        changed = await self._items.find_one_and_update(query, change, return_document=ReturnDocument.AFTER)
        found = await self._fixed.whole([changed] if changed else [])
        return found[0] if found else None


def _when(event: ItemEvent) -> Document:
    """Matches items that an event may happen to."""
    states = model.states_before(event)
    return {"state": states[0] if len(states) == 1 else {"$in": states}}


def _dispatch(now: int) -> Document:
    state = model.state_after(ItemEvent.DISPATCH)
    return {"$set": {"state": state, "dispatched_ms": now}, "$inc": {"dispatch_n": 1}}


def _end(event: ItemEvent, result: Document) -> Document:
    return {"$set": {**result, "state": model.state_after(event)}, "$unset": {"open": "", "lease_ms": ""}}

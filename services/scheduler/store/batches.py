"""Batch documents. The batch decides what must hold across its items: its window, its order, its end."""

from __future__ import annotations

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from services.common import ids
from services.scheduler import model
from services.scheduler.store.database import FLAG, Collection, Database, Document

_ENDED = list(model.ENDED_BATCH)


class Batches:
    """The batches collection.

    A document holds, beside what the caller gave:
    `slots` and `in_flight`, the items taken and not ended, and how many; `next_index`, the first index never taken;
    `active`, while it is pending or processing; `outbox`, while its end is not announced.
    """

    def __init__(self, database: Database) -> None:
        self._batches: Collection = database.collection("batches")

    async def insert_creating(self, batch: Document) -> bool:
        """Store an invisible batch. False when it is there already, from an earlier try of the same call."""
        try:
            await self._batches.insert_one({**batch, "state": model.CREATING, "creating": FLAG})
        except DuplicateKeyError:
            return False
        return True

    async def adopt_creating(self, batch_id: str, lease_ms: int) -> bool:
        """Take over a creation that an earlier try left; false when it is past that."""
        result = await self._batches.update_one(
            {"_id": batch_id, "state": model.CREATING}, {"$set": {"lease_ms": lease_ms}}
        )
        return result.matched_count == 1

    async def commit(self, batch_id: str) -> bool:
        """Make a created batch visible: the commit point of a submit. False when it was given up meanwhile."""
        result = await self._batches.update_one(
            {"_id": batch_id, "state": model.CREATING},
            {"$set": {"state": model.PENDING, "active": FLAG}, "$unset": {"creating": ""}},
        )
        return result.modified_count == 1

    async def abandon(self, batch_id: str, now: int) -> bool:
        """Give up a creation whose lease is over, so that a slow creator can no longer commit it."""
        result = await self._batches.delete_one({"_id": batch_id, "state": model.CREATING, "lease_ms": {"$lt": now}})
        return result.deleted_count == 1

    async def get(self, batch_id: str) -> Document | None:
        """A batch, whatever its state."""
        return await self._batches.find_one({"_id": batch_id})

    async def active(self) -> list[Document]:
        """Every pending or processing batch, in the order of acceptance."""
        found = await self._batches.find({"active": FLAG}, {"renders": 0, "metadata": 0}).to_list(None)
        return sorted(found, key=lambda batch: (batch["created_ms"], batch["_id"]))

    async def creating(self) -> list[Document]:
        """Every batch being created."""
        return await self._batches.find({"creating": FLAG}, {"_id": 1, "lease_ms": 1}).to_list(None)

    async def unannounced(self) -> list[Document]:
        """Ended batches whose event is not published yet."""
        return await self._batches.find({"outbox": FLAG}).to_list(100)

    async def start(self, batch_id: str, now: int) -> bool:
        """pending → processing."""
        result = await self._batches.update_one(
            {"_id": batch_id, "state": model.PENDING}, {"$set": {"state": model.PROCESSING, "started_ms": now}}
        )
        return result.modified_count == 1

    async def take_next(self, batch: Document) -> Document | None:
        """Take a slot and the next index in one step; the batch after it, or None when something changed or is full.

        Args:
            batch: as it was read; its `next_index` is the one that is taken.
        """
        index = batch["next_index"]
        return await self._batches.find_one_and_update(
            {
                "_id": batch["_id"],
                "state": model.PROCESSING,
                "next_index": index,
                "in_flight": {"$lt": batch["window"]},
                "cancel_requested_ms": {"$exists": False},
            },
            {
                "$inc": {"in_flight": 1, "next_index": 1},
                "$push": {"slots": ids.item_id(batch["_id"], index)},
            },
            projection={"renders": 0, "metadata": 0},
            return_document=ReturnDocument.AFTER,
        )

    async def release_slot(self, batch_id: str, item_id: str) -> bool:
        """Give the slot of an ended item back; false when it was given back before."""
        result = await self._batches.update_one(
            {"_id": batch_id, "slots": item_id}, {"$pull": {"slots": item_id}, "$inc": {"in_flight": -1}}
        )
        return result.modified_count == 1

    async def request_cancel(self, batch_id: str, now: int) -> bool:
        """Mark an active batch as cancelled; false when it ended or was marked before."""
        result = await self._batches.update_one(
            {"_id": batch_id, "active": FLAG, "cancel_requested_ms": {"$exists": False}},
            {"$set": {"cancel_requested_ms": now}},
        )
        return result.modified_count == 1

    async def end(self, batch_id: str, state: str, fields: Document) -> bool:
        """Write the terminal state together with the event that announces it; false when it ended before."""
        result = await self._batches.update_one(
            {"_id": batch_id, "active": FLAG, "state": {"$nin": _ENDED}},
            {"$set": {**fields, "state": state, "outbox": FLAG}, "$unset": {"active": ""}},
        )
        return result.modified_count == 1

    async def announced(self, batch_id: str) -> None:
        """Note that the event is published."""
        await self._batches.update_one({"_id": batch_id}, {"$unset": {"outbox": ""}})

"""Batch documents. The batch decides what must hold across its items: its window, its order, its end."""

from __future__ import annotations

from collections.abc import Sequence

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from services.common import ids
from services.scheduler import model
from services.scheduler.store.database import FLAG, Collection, Database, Document

_VISIBLE = [state for state in model.BATCH_EVENTS if state != model.CREATING]
# Where a page ended: when its last batch was accepted, and its id.
Place = tuple[int, str]
# Times count down from here, so that the newest comes first.
_LATEST_MS = 10**14 - 1
# A creation that was given up is not finished any more, however late its maker comes.
_UNFINISHED = {"state": model.CREATING, "given_up": {"$exists": False}}
_AT_REST = {"active": {"$exists": False}, "creating": {"$exists": False}}


class Batches:
    """The batches collection.

    A document holds, beside what the caller gave:
    `slots` and `in_flight`, the items taken and not ended, and how many; `next_index`, the first index never taken;
    `refused`, how many failed at submit; `passed_over`, how many of those were taken all the same;
    `active`, while it is pending or processing; `password_key`, while its passwords may be needed; `outbox`, while its
    end is not announced; `removing_ms`, once it is being deleted. `order` sorts an account's batches, newest first,
    and is found by its index alone.
    """

    def __init__(self, database: Database) -> None:
        self._batches: Collection = database.collection("batches")

    async def insert_creating(self, batch: Document) -> bool:
        """Store an invisible batch. False when it is there already, from an earlier try of the same call."""
        try:
            order = order_of(batch["account_id"], (batch["created_ms"], batch["_id"]))
            await self._batches.insert_one({**batch, "order": order, "state": model.CREATING, "creating": FLAG})
        except DuplicateKeyError:
            return False
        return True

    async def adopt_creating(self, batch_id: str, lease_ms: int) -> bool:
        """Take over a creation that an earlier try left; false when it is past that."""
        result = await self._batches.update_one({"_id": batch_id, **_UNFINISHED}, {"$set": {"lease_ms": lease_ms}})
        return result.matched_count == 1

    async def commit(self, batch_id: str) -> bool:
        """Make a created batch visible: the commit point of a submit. False when it was given up meanwhile."""
        result = await self._batches.update_one(
            {"_id": batch_id, **_UNFINISHED},
            {"$set": {"state": model.PENDING, "active": FLAG}, "$unset": {"creating": ""}},
        )
        return result.modified_count == 1

    async def abandon(self, batch_id: str, now: int) -> bool:
        """Give up a creation whose lease is over, so that a slow creator can no longer commit it.

        Its document stays until `delete`, so that whoever comes by deletes what belongs to it.
        """
        over = {"_id": batch_id, "state": model.CREATING, "lease_ms": {"$lt": now}}
        return (await self._batches.update_one(over, {"$set": {"given_up": FLAG}})).matched_count == 1

    async def get(self, batch_id: str) -> Document | None:
        """A batch, whatever its state."""
        return await self._batches.find_one({"_id": batch_id})

    async def is_committed(self, batch_id: str) -> bool:
        """True for a batch that was accepted, whatever its state since."""
        found = await self._batches.find_one({"_id": batch_id}, {"state": 1})
        return found is not None and found["state"] != model.CREATING

    async def active(self) -> list[Document]:
        """Every pending or processing batch, in the order of acceptance."""
        found = await self._batches.find({"active": FLAG}, {"renders": 0, "metadata": 0}).to_list(None)
        return sorted(found, key=lambda batch: (batch["created_ms"], batch["_id"]))

    async def rendered(self, batch_ids: Sequence[str]) -> set[str]:
        """Which of some batches have ended otherwise than by being cancelled."""
        states = [state for state in model.ENDED_BATCH if state != model.CANCELLED]
        query = {"_id": {"$in": list(batch_ids)}, "state": {"$in": states}}
        return {str(row["_id"]) async for row in self._batches.find(query, {"_id": 1})}

    async def unfinished(self, account_id: str, states: Sequence[str], limit: int, *, single: bool) -> set[str]:
        """Ids of an account's batches, or of its single renders, that are in some active states; `limit` at most."""
        query = {"account_id": account_id, "active": FLAG, "single": single, "state": {"$in": list(states)}}
        return {str(row["_id"]) async for row in self._batches.find(query, {"_id": 1}).limit(limit)}

    async def newest(self, account_id: str, states: Sequence[str], after: Place | None, limit: int) -> list[Document]:
        """An account's batches in some shown states, or in any, newest first; single renders are not listed.

        Args:
            account_id: whose.
            states: as callers see them: a batch being cancelled is cancelled.
            after: the place to go on from.
            limit: batches at most.
        """
        listed = {"$or": [_shown(state) for state in states]} if states else {"state": {"$in": _VISIBLE}}
        beyond = {"$gt": order_of(account_id, after) if after else f"{account_id}:", "$lt": f"{account_id};"}
        query = {"order": beyond, "single": False, "removing_ms": {"$exists": False}, **listed}
        found = self._batches.find(query, {"event_body": 0})
        return await found.sort("order", 1).limit(limit).to_list(None)

    async def all_newest(self, account_id: str, since: Place | None, limit: int) -> list[Document]:
        """An account's batches, newest first, single renders and those that nobody sees any more included.

        Args:
            account_id: whose.
            since: the place to begin at.
            limit: batches at most.
        """
        from_there = {"$gte": order_of(account_id, since) if since else f"{account_id}:", "$lt": f"{account_id};"}
        found = self._batches.find({"order": from_there}, {"event_body": 0, "metadata": 0})
        return await found.sort("order", 1).limit(limit).to_list(None)

    async def retries(self, batch_ids: Sequence[str], limit: int) -> list[Document]:
        """Ids of the batches that try others again, and of which, newest first."""
        if not batch_ids:
            return []
        query = {
            "retry_of": {"$in": list(batch_ids)},
            "creating": {"$exists": False},
            "removing_ms": {"$exists": False},
        }
        found = self._batches.find(query, {"retry_of": 1, "created_ms": 1}).limit(limit)
        return sorted(await found.to_list(None), key=lambda batch: (-batch["created_ms"], batch["_id"]))

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

    async def take(self, batch: Document, most: int) -> Document | None:
        """Take slots and the next indexes in one step; the batch after it, or None when something changed or is full.

        Args:
            batch: as it was read; its `next_index` is the first that is taken.
            most: how many to take at most.
        """
        first, free = batch["next_index"], batch["window"] - batch["in_flight"]
        count = min(most, free, batch["total"] - first)
        if count < 1:
            return None
        taken = [ids.item_id(batch["_id"], index) for index in range(first, first + count)]
        return await self._batches.find_one_and_update(
            {
                "_id": batch["_id"],
                "state": model.PROCESSING,
                "next_index": first,
                "in_flight": {"$lte": batch["window"] - count},
                "cancel_requested_ms": {"$exists": False},
            },
            {"$inc": {"in_flight": count, "next_index": count}, "$push": {"slots": {"$each": taken}}},
            projection={"renders": 0, "metadata": 0},
            return_document=ReturnDocument.AFTER,
        )

    async def release_slots(
        self, batch_id: str, item_ids: Sequence[str], *, passed_over: bool = False
    ) -> Document | None:
        """Give the slots of ended items back: some fields of the batch after it, or None when one of them had none.

        Args:
            batch_id: the batch.
            item_ids: the items, each of them once.
            passed_over: count them among those that ended without having been rendered.
        """
        count = {"in_flight": -len(item_ids)} | ({"passed_over": len(item_ids)} if passed_over else {})
        return await self._batches.find_one_and_update(
            {"_id": batch_id, "slots": {"$all": list(item_ids)}},
            {"$pull": {"slots": {"$in": list(item_ids)}}, "$inc": count},
            projection={"in_flight": 1, "window": 1, "refused": 1, "next_index": 1, "total": 1},
            return_document=ReturnDocument.AFTER,
        )

    async def request_cancel(self, batch_id: str, now: int) -> bool:
        """Mark an active batch as cancelled; false when it ended or was marked before."""
        result = await self._batches.update_one(
            {"_id": batch_id, "active": FLAG, "cancel_requested_ms": {"$exists": False}},
            {"$set": {"cancel_requested_ms": now}},
        )
        return result.modified_count == 1

    async def end(self, batch_id: str, state: str, fields: Document) -> bool:
        """Write the terminal state together with the event that announces it, if any.

        False when it ended before, or when it is to end as cancelled and this is another end.
        """
        query: Document = {"_id": batch_id, "active": FLAG, "state": {"$in": model.batch_states_before(state)}}
        if state != model.CANCELLED:
            # Whoever asked for that was told that it is cancelled.
            query["cancel_requested_ms"] = {"$exists": False}
        outbox = {"outbox": FLAG} if "event_id" in fields else {}
        # With the last item there was to render go the passwords; what failed may be tried again with them.
        gone = {"active": "", "password_key": ""} if state == model.COMPLETED else {"active": ""}
        # Slots of items that were cancelled were not given back one by one.
        change = {**fields, **outbox, "state": state, "slots": [], "in_flight": 0}
        result = await self._batches.update_one(query, {"$set": change, "$unset": gone})
        return result.modified_count == 1

    async def begin_removal(self, batch_id: str, now: int) -> bool:
        """Take an ended batch out of everybody's sight, or go on with its removal; false when it has not ended."""
        result = await self._batches.update_one({"_id": batch_id, **_AT_REST}, {"$set": {"removing_ms": now}})
        return result.matched_count == 1

    async def expired(self, now: int, limit: int) -> list[str]:
        """Ids of ended batches whose time is over and whose removal has not begun."""
        query = {"expires_ms": {"$lte": now}, "removing_ms": {"$exists": False}, **_AT_REST}
        return [str(row["_id"]) async for row in self._batches.find(query, {"_id": 1}).limit(limit)]

    async def half_removed(self, begun_before: int, limit: int) -> list[str]:
        """Ids of batches whose removal began before a time."""
        query = {"removing_ms": {"$lt": begun_before}}
        return [str(row["_id"]) async for row in self._batches.find(query, {"_id": 1}).limit(limit)]

    async def delete(self, batch_id: str) -> None:
        """Delete a batch's document."""
        await self._batches.delete_one({"_id": batch_id})

    async def announced(self, batch_id: str) -> None:
        """Note that the event is published."""
        await self._batches.update_one({"_id": batch_id}, {"$unset": {"outbox": ""}})


def order_of(account_id: str, place: Place) -> str:
    """Where a batch is among those of its account."""
    created_ms, batch_id = place
    return f"{account_id}:{_LATEST_MS - created_ms:014d}:{batch_id}"


def _shown(state: str) -> Document:
    """Matches batches that callers see in a state."""
    if state == model.CANCELLED:
        return {"$or": [{"state": state}, {"active": FLAG, "cancel_requested_ms": {"$exists": True}}]}
    if state in model.ENDED_BATCH:
        return {"state": state}
    return {"state": state, "cancel_requested_ms": {"$exists": False}}

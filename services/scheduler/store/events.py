"""The feeds of events: one for each account, numbered by sequence."""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary

from pymongo.errors import DuplicateKeyError

from services.common.failpoints import Failpoint, failpoint
from services.scheduler.store.database import SCHEMA, Collection, Database, Document


class Events:
    """The events collection, and in event_heads the last sequence of each account.

    An event's id is made of its account and sequence, so that a page is found by ids; `event_id` is unique too, so
    that an event has one place however often it is written.
    """

    def __init__(self, database: Database) -> None:
        self._events: Collection = database.collection("events")
        self._heads: Collection = database.collection("event_heads")
        # Of writers at the same place all but one write in vain, so those of this process take turns.
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def append(self, account_id: str, event_id: str, content: Document) -> int:
        """Store an event at the end of an account's feed; its sequence, the same when it is stored again."""
        async with self._turns.setdefault(account_id, asyncio.Lock()):
            sequence = await self._insert(account_id, event_id, content)
            failpoint(Failpoint.PUBLISH_EVENT_STORED)
            await self._heads.update_one({"_id": account_id}, {"$max": {"last": sequence}}, upsert=True)
        return sequence

    async def last(self, account_id: str) -> int:
        """The last sequence of an account; 0 when it has none."""
        head = await self._heads.find_one({"_id": account_id})
        return int(head["last"]) if head else 0

    async def after(self, account_id: str, sequence: int, limit: int) -> list[Document]:
        """The events that follow a sequence, oldest first."""
        found = await self._from(account_id, sequence + 1, limit)
        if found or sequence >= await self.last(account_id):
            return found
        # The next ones are deleted already: go on with the oldest that is left.
        later = self._events.find({"account_id": account_id, "sequence": {"$gt": sequence}}, {"sequence": 1})
        oldest = await later.sort("sequence", 1).limit(1).to_list(None)
        return await self._from(account_id, oldest[0]["sequence"], limit) if oldest else []

    async def forget(self, before_ms: int, limit: int) -> None:
        """Delete up to `limit` events that were written before a time."""
        old = await self._events.find({"created_ms": {"$lt": before_ms}}, {"_id": 1}).limit(limit).to_list(None)
        if old:
            await self._events.delete_many({"_id": {"$in": [event["_id"] for event in old]}})

    async def _insert(self, account_id: str, event_id: str, content: Document) -> int:
        sequence = 0
        while True:
            # Asked anew after every place that was taken: it may be far from the end by now.
            sequence = max(sequence, await self.last(account_id)) + 1
            place = {"_id": _place(account_id, sequence), "account_id": account_id, "sequence": sequence}
            try:
                await self._events.insert_one({**content, **place, "event_id": event_id, "schema": SCHEMA})
                return sequence
            except DuplicateKeyError:
                found = await self._events.find_one({"event_id": event_id}, {"sequence": 1})
                if found is not None:
                    return int(found["sequence"])

    async def _from(self, account_id: str, first: int, limit: int) -> list[Document]:
        places = [_place(account_id, sequence) for sequence in range(first, first + limit)]
        found = await self._events.find({"_id": {"$in": places}}).to_list(None)
        return sorted(found, key=lambda event: int(event["sequence"]))


def _place(account_id: str, sequence: int) -> str:
    return f"{account_id}:{sequence}"

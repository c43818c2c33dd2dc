"""Webhook deliveries: one row per event and receiver, leased by the notifier that sends it."""

from __future__ import annotations

import hashlib
import secrets

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from services.scheduler.receivers import Room, host_and_port
from services.scheduler.store.database import FLAG, SCHEMA, Collection, Database, Document

PENDING = "pending"
DISABLED = "disabled"
RESENT_STATES = ("delivered", "dead")


class Deliveries:
    """The deliveries collection. `due` is present until a delivery is over."""

    def __init__(self, database: Database) -> None:
        self._deliveries: Collection = database.collection("deliveries")

    async def insert(self, event: Document, url: str, now: int, subscription_id: str = "") -> None:
        """Store a delivery; storing it again changes nothing.

        Args:
            event: the ended batch: `event_id`, `event_body`, `_id`, `account_id`.
            url: the receiver.
            now: when its first attempt is due.
            subscription_id: the subscription that asked for it; none for the batch's own receiver.
        """
        document: Document = {
            "_id": delivery_id(event["event_id"], subscription_id or url),
            "event_id": event["event_id"],
            "batch_id": event["_id"],
            "account_id": event["account_id"],
            "url": url,
            "receiver": host_and_port(url),
            "subscription_id": subscription_id,
            "body": event["event_body"],
            "state": PENDING,
            "due": FLAG,
            "next_ms": now,
            "lease_ms": 0,
            "attempts": [],
            "attempts_made": 0,
            "created_ms": now,
            "schema": SCHEMA,
        }
        try:
            await self._deliveries.insert_one(document)
        except DuplicateKeyError:
            return

    async def lease(self, limit: int, now: int, lease_ms: int, room: Room) -> list[Document]:
        """Lease up to `limit` deliveries that are due and not leased, the longest due first, as far as there is room.

        Receivers that are full are left out of the search, so that theirs hide nobody else's.
        """
        leased: list[Document] = []
        searched: list[str] | None = None
        # Each further round leaves out a receiver that has become full, and a full one has taken a share of the limit.
        while len(leased) < limit and room.full != searched:
            searched = room.full
            for row in await self._due(limit - len(leased), now, searched):
                if room.take(row.get("receiver", "")):
                    taken = await self._lease_one(row["_id"], now, lease_ms)
                    leased += [taken] if taken else []
        return leased

    async def record(self, delivery: str, token: str, made: int, change: Document) -> bool:
        """Write the outcome of an attempt; false when the lease is not the current one.

        Args:
            delivery: its id.
            token: from the lease.
            made: attempts recorded before this one.
            change: the fields after it; with `state` other than pending the delivery is over.
        """
        over = {} if change["state"] == PENDING else {"$unset": {"due": ""}}
        result = await self._deliveries.update_one(
            {"_id": delivery, "token": token, "attempts_made": made, "due": FLAG},
            {"$set": {**change, "attempts_made": made + 1, "lease_ms": 0}, **over},
        )
        return result.modified_count == 1

    async def resend(self, delivery: str, account_id: str, now: int) -> bool:
        """Make a delivery due now: an ended one with a new series of attempts, a waiting one before its time.

        False when there is none to be sent again.
        """
        mine = {"_id": delivery, "account_id": account_id}
        anew: Document = {"state": PENDING, "due": FLAG, "next_ms": now, "lease_ms": 0, "attempts_made": 0}
        ended = await self._deliveries.update_one(
            {**mine, "state": {"$in": list(RESENT_STATES)}}, {"$set": anew, "$unset": {"token": ""}}
        )
        if ended.matched_count:
            return True
        waiting = await self._deliveries.update_one({**mine, "due": FLAG}, {"$set": {"next_ms": now}})
        return waiting.matched_count == 1

    async def drop(self, leased: Document) -> None:
        """End a leased delivery whose receiver wants no more, unsent."""
        await self._deliveries.update_one(
            {"_id": leased["_id"], "token": leased["token"], "due": FLAG},
            {"$set": {"state": DISABLED, "lease_ms": 0}, "$unset": {"due": ""}},
        )

    async def get(self, delivery: str) -> Document | None:
        """A delivery."""
        return await self._deliveries.find_one({"_id": delivery})

    async def of_batch(self, batch_id: str) -> list[Document]:
        """The deliveries of a batch, oldest first."""
        return await self._deliveries.find({"batch_id": batch_id}).sort("created_ms", 1).to_list(None)

    async def delete_ended(self, batch_id: str) -> None:
        """Delete the deliveries of a batch that are over; the others are still owed to their receivers."""
        await self._deliveries.delete_many({"batch_id": batch_id, "due": {"$exists": False}})

    async def delete_of(self, batch_id: str) -> None:
        """Delete every delivery of a batch."""
        await self._deliveries.delete_many({"batch_id": batch_id})

    async def _due(self, limit: int, now: int, but_for: list[str]) -> list[Document]:
        query: Document = {"due": FLAG, "next_ms": {"$lte": now}, "lease_ms": {"$lt": now}}
        if but_for:
            query["receiver"] = {"$nin": but_for}
        found = self._deliveries.find(query, {"receiver": 1}).sort("next_ms", 1).limit(limit)
        return await found.to_list(None)

    async def _lease_one(self, delivery: str, now: int, lease_ms: int) -> Document | None:
        return await self._deliveries.find_one_and_update(
            {"_id": delivery, "due": FLAG, "lease_ms": {"$lt": now}},
            {"$set": {"lease_ms": lease_ms, "token": secrets.token_urlsafe(16)}},
            return_document=ReturnDocument.AFTER,
        )


def delivery_id(event_id: str, receiver: str) -> str:
    """The id of a delivery: the same event goes to the same receiver, a URL or a subscription, once."""
    return f"dlv_{hashlib.sha256(f'{event_id} {receiver}'.encode()).hexdigest()[:24]}"

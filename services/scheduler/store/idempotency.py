"""Idempotency keys: which call a key stands for, and what it was answered."""

from __future__ import annotations

import hashlib

from pymongo.errors import DuplicateKeyError

from services.scheduler.clock import DAY_MS
from services.scheduler.store.database import SCHEMA, Collection, Database, Document


class Idempotency:
    """The idempotency collection. A record is leased by the call that works on it, until it holds a response."""

    def __init__(self, database: Database) -> None:
        self._records: Collection = database.collection("idempotency")

    async def begin(self, record_id: str, fingerprint: bytes, made_id: str, now: int, lease_ms: int) -> Document | None:
        """Claim a key for a call. None when it is ours now; else the record of an earlier call."""
        new: Document = {
            "_id": record_id,
            "fingerprint": fingerprint,
            "made_id": made_id,
            "lease_ms": lease_ms,
            "expires_ms": now + DAY_MS,
            "schema": SCHEMA,
        }
        try:
            await self._records.insert_one(new)
        except DuplicateKeyError:
            return await self._records.find_one({"_id": record_id}) or await self.begin(
                record_id, fingerprint, made_id, now, lease_ms
            )
        return None

    async def take_over(self, record: Document, now: int, lease_ms: int) -> bool:
        """Go on with a call whose maker is gone; false when someone else does."""
        result = await self._records.update_one(
            {"_id": record["_id"], "lease_ms": {"$lt": now}, "response": {"$exists": False}},
            {"$set": {"lease_ms": lease_ms}},
        )
        return result.modified_count == 1

    async def finish(self, record_id: str, response: bytes) -> None:
        """Keep the response for later calls with the key."""
        await self._records.update_one({"_id": record_id}, {"$set": {"response": response}})

    async def let_go(self, record_id: str) -> None:
        """End the lease of a call that broke off."""
        await self._records.update_one({"_id": record_id, "response": {"$exists": False}}, {"$set": {"lease_ms": 0}})

    async def forget(self, record_id: str) -> None:
        """Free a key whose call was refused."""
        await self._records.delete_one({"_id": record_id, "response": {"$exists": False}})

    async def forget_expired(self, now: int) -> None:
        """Delete records older than a day."""
        await self._records.delete_many({"expires_ms": {"$lt": now}})


def record_id(account_id: str, scope: str, key: str) -> str:
    """The id of a key's record: scoped to the account, the method and the path."""
    return hashlib.sha256(f"{account_id}\0{scope}\0{key}".encode()).hexdigest()

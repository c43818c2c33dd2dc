"""Archive documents. An archive's `attempt` and `token` fence out every renderer but the one that holds its lease."""

from __future__ import annotations

from dataclasses import dataclass

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from services.scheduler.store.database import SCHEMA, Collection, Database, Document

QUEUED = "queued"
PROCESSING = "processing"
COMPLETED = "completed"
FAILED = "failed"


@dataclass(frozen=True)
class ArchiveFence:
    """What a renderer must show to write to an archive."""

    archive_id: str
    attempt: int
    token: str

    @property
    def query(self) -> Document:
        """Matches the archive while the lease is the current one."""
        return {"_id": self.archive_id, "attempt": self.attempt, "token": self.token}


class Archives:
    """The archives collection.

    `open` holds the account's id until the archive ends. `attempt` counts claims and never goes back; `tries` counts
    them since the archive was asked for, `crashes` those that broke down, `rings` the messages that were sent.
    """

    def __init__(self, database: Database) -> None:
        self._archives: Collection = database.collection("archives")

    async def insert(self, archive_id: str, batch: Document, form: str, items: int, now: int) -> bool:
        """Store a queued archive; false when there is one already."""
        document = {
            "_id": archive_id,
            "batch_id": batch["_id"],
            "account_id": batch["account_id"],
            "format": form,
            "items": items,
            "attempt": 0,
            "rings": 0,
            "schema": SCHEMA,
            **_queued(batch["account_id"], now),
        }
        try:
            await self._archives.insert_one(document)
        except DuplicateKeyError:
            return False
        return True

    async def start_over(self, archive: Document, now: int) -> bool:
        """failed → queued; false when it was no longer as it was read."""
        seen = {"_id": archive["_id"], "state": FAILED, "attempt": archive["attempt"]}
        change = {
            "$set": _queued(archive["account_id"], now),
            "$unset": {"error_code": "", "error_message": "", "reason": ""},
        }
        return await self._change(seen, change) is not None

    async def get(self, archive_id: str) -> Document | None:
        """An archive."""
        return await self._archives.find_one({"_id": archive_id})

    async def open_of(self, account_id: str, limit: int) -> int:
        """How many archives of an account have not ended, counted up to a limit."""
        return len(await self._archives.find({"open": account_id}, {"_id": 1}).limit(limit).to_list(None))

    async def all_open(self, limit: int) -> list[Document]:
        """Archives that have not ended."""
        return await self._archives.find({"open": {"$gt": ""}}).limit(limit).to_list(None)

    async def ring_again(self, archive: Document, now: int) -> Document | None:
        """Count one more message; the archive after it, or None when someone else has rung."""
        seen = {"_id": archive["_id"], "state": archive["state"], "rings": archive["rings"]}
        return await self._change(seen, {"$set": {"rung_ms": now}, "$inc": {"rings": 1}})

    async def claim(self, archive_id: str, lease: Document) -> Document | None:
        """queued → processing under a new lease and attempt."""
        seen = {"_id": archive_id, "state": QUEUED}
        return await self._change(seen, {"$set": {**lease, "state": PROCESSING}, "$inc": {"attempt": 1, "tries": 1}})

    async def take_over(self, archive: Document, now: int, lease: Document) -> Document | None:
        """A new lease and attempt in place of an expired one, whose renderer counts as crashed."""
        seen = {"_id": archive["_id"], "state": PROCESSING, "attempt": archive["attempt"], "lease_ms": {"$lt": now}}
        return await self._change(seen, {"$set": lease, "$inc": {"attempt": 1, "tries": 1, "crashes": 1}})

    async def holds(self, fence: ArchiveFence) -> Document | None:
        """The archive while the lease is the current one."""
        return await self._archives.find_one({**fence.query, "state": PROCESSING})

    async def extend(self, fence: ArchiveFence, lease_ms: int) -> bool:
        """Prolong a lease; false when it is not the current one."""
        changed = await self._change({**fence.query, "state": PROCESSING}, {"$set": {"lease_ms": lease_ms}})
        return changed is not None

    async def hand_back(self, fence: ArchiveFence, now: int, reason: str, *, crashed: bool) -> Document | None:
        """processing → queued; the archive after it."""
        change = {"$set": {"state": QUEUED, "rung_ms": now, "reason": reason}, "$inc": {"crashes": int(crashed)}}
        return await self._change({**fence.query, "state": PROCESSING}, change)

    async def end(self, fence: ArchiveFence, state: str, result: Document) -> bool:
        """processing → completed or failed; false when the lease is not the current one."""
        return await self._change({**fence.query, "state": PROCESSING}, _end(state, result)) is not None

    async def fail_unclaimed(self, archive: Document, result: Document) -> bool:
        """Fail an archive as it was read, holding no lease on it; false when it changed meanwhile."""
        seen = {"_id": archive["_id"], "state": archive["state"], "attempt": archive["attempt"]}
        return await self._change(seen, _end(FAILED, result)) is not None

    async def delete_of(self, batch_id: str) -> bool:
        """Delete the archives of a batch; whether there were any."""
        return (await self._archives.delete_many({"batch_id": batch_id})).deleted_count > 0

    async def _change(self, query: Document, change: Document) -> Document | None:
        return await self._archives.find_one_and_update(query, change, return_document=ReturnDocument.AFTER)


def _queued(account_id: str, now: int) -> Document:
    return {"state": QUEUED, "open": account_id, "tries": 0, "crashes": 0, "created_ms": now, "rung_ms": now}


def _end(state: str, result: Document) -> Document:
    return {"$set": {**result, "state": state}, "$unset": {"open": "", "lease_ms": ""}}

"""The connection, the collections and their indexes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError, PyMongoError

from services.scheduler.store import condition

Document = dict[str, Any]
Collection = AsyncCollection[Document]
DATABASE_ERRORS = (PyMongoError,)
# The layout of the documents. Another number is another layout, which this version does not read.
SCHEMA = 2

# Present only while a document needs attention, so that finding it stays cheap as finished ones pile up.
FLAG = "1"
_INDEXES = {
    "batches": ("account_id", "order", "active", "creating", "outbox", "expires_ms", "removing_ms", "retry_of"),
    "items": ("batch_id", "open"),
    "fixed_parts": ("batch_id",),
    "archives": ("batch_id", "open"),
    "assets": ("due_ms",),
    "asset_sets": ("until_ms",),
    "keys": ("account_id", "expires_ms"),
    "ledger": ("period", "held", "moving", "moving_ms"),
    "audit": ("account_id", "at_ms"),
    "templates": ("account_id",),
    "template_versions": ("template_id",),
    "inspections": ("until_ms",),
    "sources": ("until_ms",),
    "tombstones": ("gone_ms", "recheck_ms"),
    "deliveries": ("due", "batch_id"),
    "events": ("account_id", "created_ms"),
}
_UNIQUE = {"events": "event_id"}
_DUPLICATE_KEY = 11000


class Database:
    """One database of a MongoDB deployment."""

    def __init__(self, url: str, name: str) -> None:
        condition.repair()
        self._client: AsyncMongoClient[Document] = AsyncMongoClient(
            url,
            w="majority",
            readConcernLevel="majority",
            # Whether writes are retried is for the URL to say; they are by default.
            serverSelectionTimeoutMS=5_000,
            connectTimeoutMS=3_000,
            socketTimeoutMS=20_000,
            maxPoolSize=50,
            waitQueueTimeoutMS=10_000,
            appname="pressline-scheduler",
        )
        self._database = self._client[name]

    def collection(self, name: str) -> Collection:
        """A collection by name."""
        return self._database[name]

    async def prepare(self) -> None:
        """Create the indexes; safe to repeat.

        Raises:
            PyMongoError: no server answers.
        """
        for name, fields in _INDEXES.items():
            for field in fields:
                await self.collection(name).create_index(field, sparse=True)
        for name, field in _UNIQUE.items():
            await self.collection(name).create_index(field, unique=True)

    async def other_layout(self) -> int | None:
        """The number of a layout that is not ours and that accounts are stored in; 0 when they carry none."""
        other = await self.collection("accounts").find_one({"schema": {"$ne": SCHEMA}}, {"schema": 1})
        return None if other is None else int(other.get("schema", 0))

    async def close(self) -> None:
        """Disconnect."""
        await self._client.close()


async def insert_new(collection: Collection, documents: Sequence[Document]) -> int:
    """Store documents; how many there were already, which stay as they are."""
    try:
        await collection.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        failures = (error.details or {})["writeErrors"]
        if any(failure["code"] != _DUPLICATE_KEY for failure in failures):
            raise
        return len(failures)
    return 0

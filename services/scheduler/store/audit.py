"""What was done with accounts: rows that are only ever added, read, and forgotten after their time."""

from __future__ import annotations

from pymongo.errors import DuplicateKeyError

from services.scheduler.store.database import Collection, Database, Document


class Audit:
    """The audit collection. `order` sorts by time and is unique."""

    def __init__(self, database: Database) -> None:
        self._events: Collection = database.collection("audit")

    async def insert(self, event: Document) -> None:
        """Add a row; adding it again changes nothing."""
        try:
            await self._events.insert_one(event)
        except DuplicateKeyError:
            return

    async def newest(self, account_id: str, before: str, limit: int) -> list[Document]:
        """An account's rows, newest first, those with a smaller `order` than `before` if it is given."""
        query: Document = {"account_id": account_id}
        if before:
            query["order"] = {"$lt": before}
        return await self._events.find(query).sort("order", -1).limit(limit).to_list(None)

    async def forget(self, before_ms: int) -> None:
        """Delete rows from before a time."""
        await self._events.delete_many({"at_ms": {"$lt": before_ms}})

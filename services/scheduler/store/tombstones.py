"""What is left of deleted batches: whose they were, so that their owners learn that they are gone."""

from __future__ import annotations

from collections.abc import Sequence

from services.scheduler.store.database import SCHEMA, Collection, Database, Document


class Tombstones:
    """The tombstones collection. `recheck_ms` is present until the batch's objects were looked for once more."""

    def __init__(self, database: Database) -> None:
        self._tombstones: Collection = database.collection("tombstones")

    async def put(self, batch: Document, gone_ms: int, recheck_ms: int) -> None:
        """Remember a batch; doing it again changes nothing but the times."""
        fields = {"account_id": batch["account_id"], "gone_ms": gone_ms, "recheck_ms": recheck_ms, "schema": SCHEMA}
        await self._tombstones.replace_one({"_id": batch["_id"]}, {"_id": batch["_id"], **fields}, upsert=True)

    async def get(self, batch_id: str) -> Document | None:
        """What is left of a batch."""
        return await self._tombstones.find_one({"_id": batch_id})

    async def to_recheck(self, now: int, limit: int) -> list[Document]:
        """Tombstones whose second look is due."""
        return await self._tombstones.find({"recheck_ms": {"$lt": now}}).limit(limit).to_list(None)

    async def rechecked(self, batch_id: str) -> None:
        """Note that the second look is done."""
        await self._tombstones.update_one({"_id": batch_id}, {"$unset": {"recheck_ms": ""}})

    async def older(self, gone_before: int, limit: int) -> list[Document]:
        """Tombstones of batches that went before a time."""
        return await self._tombstones.find({"gone_ms": {"$lt": gone_before}}).limit(limit).to_list(None)

    async def delete(self, batch_ids: Sequence[str]) -> None:
        """Forget batches."""
        if batch_ids:
            await self._tombstones.delete_many({"_id": {"$in": list(batch_ids)}})

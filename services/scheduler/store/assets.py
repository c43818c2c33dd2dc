"""Libraries of assets, one document an account, and the sets of them that batches were submitted with."""

from __future__ import annotations

from pymongo.errors import DuplicateKeyError

from pressline.asset.v1.asset_pb2 import AssetSet
from services.scheduler.store.database import SCHEMA, Collection, Database, Document


class Assets:
    """The assets collection. One document decides names, places and bytes of an account; `version` grows with it.

    `due_ms` is there while it holds contents that are to be deleted.
    """

    def __init__(self, database: Database) -> None:
        self._libraries: Collection = database.collection("assets")

    async def get(self, account_id: str) -> Document | None:
        """An account's library."""
        return await self._libraries.find_one({"_id": account_id})

    async def put(self, account_id: str, version: int, fields: Document, due_ms: int | None) -> bool:
        """Store a library that was read with a version, 0 for none; false when it has changed since."""
        changed: Document = {**fields, "version": version + 1, "schema": SCHEMA}
        if due_ms is not None:
            changed["due_ms"] = due_ms
        if version == 0:
            try:
                await self._libraries.insert_one({"_id": account_id, **changed})
            except DuplicateKeyError:
                return False
            return True
        update: Document = {"$set": changed}
        if due_ms is None:
            update["$unset"] = {"due_ms": ""}
        result = await self._libraries.update_one({"_id": account_id, "version": version}, update)
        return result.matched_count == 1

    async def due(self, now: int, limit: int) -> list[Document]:
        """Libraries with contents to delete."""
        return await self._libraries.find({"due_ms": {"$lt": now}}).limit(limit).to_list(None)


class AssetSets:
    """The asset_sets collection: what batches were submitted with, named by content and kept until none needs it."""

    def __init__(self, database: Database) -> None:
        self._sets: Collection = database.collection("asset_sets")

    async def put(self, set_id: str, content: bytes, until_ms: int) -> None:
        """Store a set; storing it again keeps it for longer, if anything."""
        if await self._keep(set_id, until_ms):
            return
        try:
            await self._sets.insert_one({"_id": set_id, "set": content, "until_ms": until_ms, "schema": SCHEMA})
        except DuplicateKeyError:
            await self._keep(set_id, until_ms)

    async def get(self, set_id: str) -> AssetSet | None:
        """A set by its id."""
        document = await self._sets.find_one({"_id": set_id})
        return None if document is None else AssetSet.FromString(document["set"])

    async def _keep(self, set_id: str, until_ms: int) -> bool:
        kept = await self._sets.update_one({"_id": set_id}, {"$max": {"until_ms": until_ms}})
        return kept.matched_count == 1

    async def forget(self, now: int, limit: int) -> None:
        """Delete up to `limit` sets that no batch can need any more."""
        over = {"until_ms": {"$lt": now}}
        found = await self._sets.find(over, {"_id": 1}).limit(limit).to_list(None)
        if found:
            await self._sets.delete_many({"_id": {"$in": [each["_id"] for each in found]}, **over})

"""API keys, by their hashes. What a key opens it tells nobody; its owner knows it by its id."""

from __future__ import annotations

from services.scheduler.store.database import Collection, Database, Document


class Keys:
    """The keys collection. A key that is revoked is gone, so that it opens nothing from that moment on."""

    def __init__(self, database: Database) -> None:
        self._keys: Collection = database.collection("keys")

    async def insert(self, key: Document) -> None:
        """Store a new key; its `_id` is the hash."""
        await self._keys.insert_one(key)

    async def by_hash(self, key_hash: str) -> Document | None:
        """A key as its bearer presents it."""
        return await self._keys.find_one({"_id": key_hash})

    async def get(self, account_id: str, key_id: str) -> Document | None:
        """An account's key by its id."""
        return await self._keys.find_one({"account_id": account_id, "key_id": key_id})

    async def of_account(self, account_id: str) -> list[Document]:
        """An account's keys, newest first."""
        found = await self._keys.find({"account_id": account_id}).to_list(None)
        return sorted(found, key=lambda key: (-key["created_ms"], key["key_id"]))

    async def used(self, key_hash: str, now: int, before: int) -> None:
        """Note the use of a key that was last noted before `before`."""
        await self._keys.update_one({"_id": key_hash, "used_ms": {"$lt": before}}, {"$set": {"used_ms": now}})

    async def replaced(self, account_id: str, key_id: str, by: str, expires_ms: int) -> bool:
        """Let a key end for the sake of another; false when it is gone or was replaced before."""
        result = await self._keys.update_one(
            {"account_id": account_id, "key_id": key_id, "replaced_by": {"$exists": False}},
            {"$set": {"replaced_by": by, "expires_ms": expires_ms}},
        )
        return result.modified_count == 1

    async def delete(self, account_id: str, key_id: str) -> bool:
        """Delete a key; false when there is none."""
        result = await self._keys.delete_one({"account_id": account_id, "key_id": key_id})
        return result.deleted_count == 1

    async def forget_expired(self, now: int) -> None:
        """Delete keys that have ended."""
        await self._keys.delete_many({"expires_ms": {"$lt": now}})

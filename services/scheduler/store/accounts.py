"""Accounts and request windows."""

from __future__ import annotations

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from services.scheduler.store.database import SCHEMA, Collection, Database, Document

# An account without a limit still has a figure to compare with.
UNLIMITED = 1_000_000_000


class Accounts:
    """The accounts and windows collections.

    `running` is the set of the account's batches that hold a place, `running_count` its size. `webhook_secret` signs
    webhooks; so do the `old_secrets`, each until the time at its place in `old_until_ms`.
    """

    def __init__(self, database: Database) -> None:
        self._accounts: Collection = database.collection("accounts")
        self._windows: Collection = database.collection("windows")

    async def ensure(self, account_id: str, plan: str, webhook_secret: bytes, now: int) -> None:
        """Create the account, or change the plan of the one that exists."""
        new = {
            "_id": account_id,
            "plan": plan,
            "webhook_secret": webhook_secret,
            "secret_version": 1,
            "old_secrets": [],
            "old_until_ms": [],
            "running": [],
            "running_count": 0,
            "created_ms": now,
            "schema": SCHEMA,
        }
        try:
            await self._accounts.insert_one(new)
        except DuplicateKeyError:
            await self.set_plan(account_id, plan)

    async def set_plan(self, account_id: str, plan: str) -> None:
        """Change an account's plan."""
        await self._accounts.update_one({"_id": account_id}, {"$set": {"plan": plan}})

    async def set_egress(self, account_id: str, field: Document) -> None:
        """Write the field of an account's egress policy."""
        await self._accounts.update_one({"_id": account_id}, {"$set": field})

    async def rotate_secret(self, account: Document, change: Document) -> bool:
        """Write the fields of an account's signing secrets; false when they changed since it was read."""
        version = account["secret_version"]
        result = await self._accounts.update_one(
            {"_id": account["_id"], "secret_version": version}, {"$set": {**change, "secret_version": version + 1}}
        )
        return result.modified_count == 1

    async def get(self, account_id: str) -> Document | None:
        """An account."""
        return await self._accounts.find_one({"_id": account_id})

    async def with_running(self) -> list[Document]:
        """Accounts that have batches holding a place."""
        return await self._accounts.find({"running_count": {"$gt": 0}}, {"running": 1}).to_list(None)

    async def count_request(self, account_id: str, minute: int) -> int:
        """Count one request in an account's window; how many there were, this one included."""
        window = await self._windows.find_one_and_update(
            {"_id": f"{account_id}:{minute}"},
            {"$inc": {"count": 1}, "$set": {"minute": minute}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return int(window["count"]) if window else 1

    async def forget_windows(self, before_minute: int) -> None:
        """Delete windows that are over."""
        await self._windows.delete_many({"minute": {"$lt": before_minute}})

    async def take_place(self, account_id: str, batch_id: str, limit: int) -> bool:
        """Give a batch a place among the account's running ones; false when there is none or it has one."""
        result = await self._accounts.update_one(
            {
                "_id": account_id,
                "running_count": {"$lt": limit or UNLIMITED},
                "$nor": [{"running": batch_id}],
            },
            {"$push": {"running": batch_id}, "$inc": {"running_count": 1}},
        )
        return result.modified_count == 1

    async def leave_place(self, account_id: str, batch_id: str) -> None:
        """Free a batch's place; nothing happens when it has none."""
        await self._accounts.update_one(
            {"_id": account_id, "running": batch_id}, {"$pull": {"running": batch_id}, "$inc": {"running_count": -1}}
        )

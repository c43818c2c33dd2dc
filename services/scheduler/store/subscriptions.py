"""Webhook subscriptions: receivers of every event of an account."""

from __future__ import annotations

from pymongo.errors import DuplicateKeyError

from services.scheduler.store.database import SCHEMA, Collection, Database, Document

# Each is one more delivery for every event.
LIMIT = 20


class Subscriptions:
    """The subscriptions collection. A document's id is one of an account's places, so there are never more."""

    def __init__(self, database: Database) -> None:
        self._subscriptions: Collection = database.collection("subscriptions")

    async def insert(self, account_id: str, subscription: Document) -> bool:
        """Store a subscription at the first free place; false when there is none."""
        for place in _places(account_id):
            try:
                await self._subscriptions.insert_one({**subscription, "_id": place, "schema": SCHEMA})
                return True
            except DuplicateKeyError:
                continue
        return False

    async def of_account(self, account_id: str) -> list[Document]:
        """An account's subscriptions, oldest first."""
        found = await self._subscriptions.find({"_id": {"$in": _places(account_id)}}).to_list(None)
        return sorted(found, key=lambda row: (int(row["created_ms"]), str(row["subscription_id"])))

    async def get(self, account_id: str, subscription_id: str) -> Document | None:
        """An account's subscription."""
        mine = await self.of_account(account_id)
        return next((row for row in mine if row["subscription_id"] == subscription_id), None)

    async def disable(self, account_id: str, subscription_id: str) -> bool:
        """Send it nothing more; false when it has ended."""
        result = await self._subscriptions.update_one(
            {"_id": {"$in": _places(account_id)}, "subscription_id": subscription_id}, {"$set": {"disabled": True}}
        )
        return result.matched_count == 1

    async def delete(self, account_id: str, subscription_id: str) -> bool:
        """Delete a subscription; false when there is none."""
        result = await self._subscriptions.delete_one(
            {"_id": {"$in": _places(account_id)}, "subscription_id": subscription_id}
        )
        return result.deleted_count == 1


def _places(account_id: str) -> list[str]:
    return [f"{account_id}:{number}" for number in range(LIMIT)]

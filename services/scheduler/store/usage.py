"""Renders by account and month: a ledger row for each batch, and a total that decides what still fits.

A row and its total are two documents. A change of both reads the total, writes the row together with `moving` (a
token), adds to the total, and takes `moving` away. When its process dies in between, a recount makes the total what
the rows say. Two counters in the total keep these apart: `revision` grows with every change, so a recount of rows
that have changed since is not written; `recounts` grows with every recount, so what was begun before one adds nothing
after it.
"""

from __future__ import annotations

import secrets

from pymongo.errors import DuplicateKeyError

from services.scheduler.store.database import FLAG, SCHEMA, Collection, Database, Document


class Usage:
    """The ledger and usage collections.

    A row has `period`, `reserved`, and `per_item`; `held` until its batch has ended, from then on `used`.
    A total is named by its period, `account:month`, and holds `total`, of which `reserved` is held by rows.
    """

    def __init__(self, database: Database) -> None:
        self._ledger: Collection = database.collection("ledger")
        self._totals: Collection = database.collection("usage")

    async def total(self, period: str) -> Document:
        """The total of a period, made if it is not there."""
        empty = {"_id": period, "total": 0, "reserved": 0, "revision": 0, "recounts": 0, "schema": SCHEMA}
        found = await self._totals.find_one({"_id": period})
        if found is not None:
            return found
        try:
            await self._totals.insert_one(empty)
        except DuplicateKeyError:
            return await self.total(period)
        return empty

    async def row(self, batch_id: str) -> Document | None:
        """The row of a batch."""
        return await self._ledger.find_one({"_id": batch_id})

    async def hold(self, batch_id: str, period: str, reserved: int, per_item: int, now: int) -> str | None:
        """Add a moving row; its token, or None when the batch has a row."""
        token = secrets.token_hex(8)
        row = {
            "_id": batch_id,
            "period": period,
            "reserved": reserved,
            "per_item": per_item,
            "held": FLAG,
            "moving": token,
            "moving_ms": now,
            "schema": SCHEMA,
        }
        try:
            await self._ledger.insert_one(row)
        except DuplicateKeyError:
            return None
        return token

    async def use(self, batch_id: str, used: int, now: int) -> str | None:
        """Turn a held row into a used one that is moving; its token, or None when it is not held."""
        token = secrets.token_hex(8)
        result = await self._ledger.update_one(
            {"_id": batch_id, "held": FLAG, "moving": {"$exists": False}},
            {"$set": {"used": used, "moving": token, "moving_ms": now}, "$unset": {"held": ""}},
        )
        return token if result.modified_count else None

    async def add(self, seen: Document, renders: int, reserved: int, limit: int) -> bool:
        """Add to a total; false when that is more than the limit, or when it was recounted since it was seen."""
        result = await self._totals.update_one(
            {"_id": seen["_id"], "recounts": seen["recounts"], "total": {"$lte": limit - renders}},
            {"$inc": {"total": renders, "reserved": reserved, "revision": 1}},
        )
        return result.modified_count == 1

    async def moved(self, batch_id: str, token: str) -> bool:
        """Note that a row is in its total; false when it was taken for abandoned."""
        result = await self._ledger.update_one({"_id": batch_id, "moving": token}, {"$unset": {"moving": ""}})
        return result.modified_count == 1

    async def withdraw(self, batch_id: str, token: str) -> None:
        """Delete a held row that is not in its total."""
        await self._ledger.delete_one({"_id": batch_id, "moving": token})

    async def forget_unused(self, batch_id: str) -> bool:
        """Delete a row that counts for nothing; false when it counts."""
        unused = {"_id": batch_id, "used": 0, "moving": {"$exists": False}}
        return (await self._ledger.delete_one(unused)).deleted_count == 1

    async def held(self) -> list[Document]:
        """Rows whose batches have not ended as far as the ledger knows."""
        return await self._ledger.find({"held": FLAG, "moving": {"$exists": False}}, {"_id": 1}).to_list(None)

    async def abandoned(self, before_ms: int) -> list[Document]:
        """Rows that have been moving since before a time."""
        # Any token: few rows move at a time, whereas nearly all were last changed before that.
        moving = await self._ledger.find({"moving": {"$gt": ""}}).to_list(None)
        return [row for row in moving if row["moving_ms"] < before_ms]

    async def recount(self, period: str, before_ms: int) -> bool:
        """Make a total what its rows say, without those whose batch was never accepted.

        Returns:
            False when something has changed meanwhile, or moves since after `before_ms`: try again later.
        """
        seen = await self.total(period)
        rows = await self._ledger.find({"period": period}).to_list(None)
        mine = {row["_id"]: await self._take(row, before_ms) for row in rows if "moving" in row}
        if not all(mine.values()):
            return False
        reserved = sum(row["reserved"] for row in rows if "held" in row and row["_id"] not in mine)
        used = sum(row["used"] for row in rows if "used" in row)
        result = await self._totals.update_one(
            {"_id": period, "revision": seen["revision"]},
            {"$set": {"total": used + reserved, "reserved": reserved}, "$inc": {"revision": 1, "recounts": 1}},
        )
        if not result.modified_count:
            return False
        for row in rows:
            if token := mine.get(row["_id"]):
                await (self.withdraw(row["_id"], token) if "held" in row else self.moved(row["_id"], token))
        return True

    async def forget(self, before_ms: int) -> None:
        """Delete the rows of batches that ended before a time, once their month no longer changes."""
        await self._ledger.delete_many({"moving_ms": {"$lt": before_ms}, "held": {"$exists": False}})

    async def _take(self, row: Document, before_ms: int) -> str:
        """Take an abandoned row over from its mover; empty when it is not abandoned."""
        token = secrets.token_hex(8)
        result = await self._ledger.update_one(
            {"_id": row["_id"], "moving": row["moving"], "moving_ms": {"$lt": before_ms}}, {"$set": {"moving": token}}
        )
        return token if result.modified_count else ""

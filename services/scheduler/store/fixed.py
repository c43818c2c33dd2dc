"""What items were submitted with: one field of the item, or a document of its own when it is large."""

from __future__ import annotations

from collections.abc import Sequence

import bson

from services.scheduler.store.database import Collection, Database, Document, insert_new

# From about here on, what a server does for an item depends on how long it is.
APART_BYTES = 32_768


class FixedParts:
    """The fixed_parts collection.

    Servers write a document anew for every change. A part of more than `APART_BYTES` is kept here, under its item's
    id, where nothing changes it; the item itself stays short, and megabytes of rows hold nobody up.

    Args:
        database: where they are kept.
        live: fields that conditions ask for or changes write; all others are fixed.
    """

    def __init__(self, database: Database, live: frozenset[str]) -> None:
        self._parts: Collection = database.collection("fixed_parts")
        self._live = live

    async def packed(self, items: Sequence[Document]) -> list[Document]:
        """Items as they are to be stored; the large parts are stored already."""
        stored, apart = [], []
        for item in items:
            short = {name: value for name, value in item.items() if name in self._live}
            fixed = bson.encode({name: value for name, value in item.items() if name not in self._live})
            if len(fixed) > APART_BYTES:
                apart.append({"_id": item["_id"], "batch_id": item["batch_id"], "fixed": fixed})
            else:
                short["fixed"] = fixed
            stored.append(short)
        if apart:
            await insert_new(self._parts, apart)
        return stored

    async def whole(self, stored: Sequence[Document]) -> list[Document]:
        """Items as they were inserted, with what was written to them since; those deleted meanwhile are left out."""
        apart = [item["_id"] for item in stored if "fixed" not in item]
        parts: dict[str, bytes] = {}
        if apart:
            parts = {part["_id"]: part["fixed"] async for part in self._parts.find({"_id": {"$in": apart}})}
        return [
            {**bson.decode(fixed), **item}
            for item in stored
            if (fixed := item.pop("fixed", None) or parts.get(item["_id"])) is not None
        ]

    async def delete_of(self, batch_id: str) -> None:
        """Delete the parts of a batch's items."""
        await self._parts.delete_many({"batch_id": batch_id})

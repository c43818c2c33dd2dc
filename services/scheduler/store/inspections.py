"""What renderers found in sources: which variables a template takes."""

from __future__ import annotations

from collections.abc import Sequence

from pymongo.errors import DuplicateKeyError

from pressline.template.v1.template_pb2 import Inspection
from services.scheduler.clock import DAY_MS
from services.scheduler.store.database import SCHEMA, Collection, Database, Document

KEPT_MS = 30 * DAY_MS
# Reading prolongs, but seldom enough that reading stays reading.
RENEWED_BELOW_MS = KEPT_MS // 2


class Inspections:
    """The inspections collection. A source never changes, so neither does what was found in it.

    One that nobody has read for 30 days is forgotten, and made again when it is asked for.
    """

    def __init__(self, database: Database) -> None:
        self._inspections: Collection = database.collection("inspections")

    async def put(self, source_id: str, inspection: Inspection, now: int) -> None:
        """Keep a source's inspection; the first one stands."""
        document: Document = {
            "_id": source_id,
            "inspection": inspection.SerializeToString(),
            "until_ms": now + KEPT_MS,
            "schema": SCHEMA,
        }
        try:
            await self._inspections.insert_one(document)
        except DuplicateKeyError:
            return

    async def get_many(self, source_ids: Sequence[str], now: int) -> dict[str, Inspection]:
        """Those that are there, by source."""
        if not source_ids:
            return {}
        found = await self._inspections.find({"_id": {"$in": list(source_ids)}}).to_list(None)
        aging = [each["_id"] for each in found if each["until_ms"] < now + RENEWED_BELOW_MS]
        if aging:
            await self._inspections.update_many({"_id": {"$in": aging}}, {"$set": {"until_ms": now + KEPT_MS}})
        return {each["_id"]: Inspection.FromString(each["inspection"]) for each in found}

    async def forget(self, now: int) -> None:
        """Delete those that nobody has read for long."""
        await self._inspections.delete_many({"until_ms": {"$lt": now}})

"""What batches were asked for, apart from their rows: read only when one is tried again."""

from __future__ import annotations

from pymongo.errors import DuplicateKeyError

from pressline.batch.v1 import batch_pb2
from services.scheduler.store.database import SCHEMA, Collection, Database


class Requests:
    """The requests collection: one for each batch, under its id, for as long as the batch."""

    def __init__(self, database: Database) -> None:
        self._requests: Collection = database.collection("requests")

    async def put(self, batch_id: str, spec: batch_pb2.BatchSpec) -> None:
        """Keep a batch's spec; what an earlier try of the same call kept stays as it is."""
        try:
            await self._requests.insert_one({"_id": batch_id, "spec": spec.SerializeToString(), "schema": SCHEMA})
        except DuplicateKeyError:
            return

    async def get(self, batch_id: str) -> batch_pb2.BatchSpec | None:
        """The spec of a batch."""
        document = await self._requests.find_one({"_id": batch_id})
        return None if document is None else batch_pb2.BatchSpec.FromString(document["spec"])

    async def delete(self, batch_id: str) -> None:
        """Forget it."""
        await self._requests.delete_one({"_id": batch_id})

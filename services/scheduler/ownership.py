"""Batches and items as their owner may see them: another account's are not there, deleted ones are gone."""

from __future__ import annotations

from services.common import ids
from services.common.errors import PresslineError, Reason, not_found
from services.scheduler import clock
from services.scheduler.store.database import Document
from services.scheduler.stores import Stores


class Ownership:
    """Finds what belongs to an account."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    async def batch(self, account_id: str, batch_id: str) -> Document:
        """An account's batch.

        Raises:
            PresslineError: NOT_FOUND; GONE for 30 days after it was deleted or its results expired.
        """
        batch = await self._stores.batches.get(batch_id)
        if batch is None:
            batch = await self._stores.tombstones.get(batch_id)
        if batch is None or batch["account_id"] != account_id or "creating" in batch:
            raise not_found("batch", batch_id)
        if is_gone(batch):
            raise PresslineError(Reason.GONE, f"The batch {batch_id!r} was deleted, or its results have expired.")
        return batch

    async def item(self, account_id: str, item_id: str) -> tuple[Document, Document]:
        """An account's item and its batch.

        Raises:
            PresslineError: NOT_FOUND, GONE.
        """
        try:
            batch = await self.batch(account_id, ids.batch_of(item_id))
        except PresslineError as error:
            raise not_found("item", item_id) if error.reason is Reason.NOT_FOUND else error from error
        item = await self._stores.items.get(item_id)
        if item is None:
            raise not_found("item", item_id)
        return item, batch


def is_gone(batch: Document) -> bool:
    """Of a batch or of what is left of it; one that still runs when its time is over is seen to its end."""
    if "gone_ms" in batch or "removing_ms" in batch:
        return True
    return "active" not in batch and bool(batch["expires_ms"] <= clock.now_ms())

"""Batches as they were a moment ago: what claims ask of them hardly changes, and there is a claim for every item."""

from __future__ import annotations

import time
from collections import OrderedDict

from services.scheduler.store.batches import Batches
from services.scheduler.store.database import Document

FRESH_SECONDS = 0.5
REMEMBERED_BATCHES = 200


class RecentBatches:
    """Reads a batch at most twice a second, however often it is asked for."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self._read: OrderedDict[str, tuple[float, Document]] = OrderedDict()

    async def get(self, batch_id: str) -> Document | None:
        """A batch as it was half a second ago or later; None when there is none."""
        read_at, batch = self._read.get(batch_id, (float("-inf"), None))
        if batch is not None and time.monotonic() - read_at < FRESH_SECONDS:
            return batch
        began = time.monotonic()
        batch = await self._batches.get(batch_id)
        if batch is not None:
            self._remember(batch, began)
        return batch

    def _remember(self, batch: Document, read_at: float) -> None:
        self._read[batch["_id"]] = (read_at, batch)
        self._read.move_to_end(batch["_id"])
        if len(self._read) > REMEMBERED_BATCHES:
            self._read.popitem(last=False)

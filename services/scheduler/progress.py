"""Counting a batch's items: computed when asked for, at most a few times a second for each batch."""

from __future__ import annotations

import time
from collections import OrderedDict

from services.scheduler.model import Counts
from services.scheduler.store.database import Document
from services.scheduler.store.items import Items

FRESH_SECONDS = 0.25
REMEMBERED_BATCHES = 1_000


class Progress:
    """Counts of running batches, remembered for a moment; those of ended ones are in the batch."""

    def __init__(self, items: Items) -> None:
        self._items = items
        self._recent: OrderedDict[str, tuple[float, Counts]] = OrderedDict()

    async def counts(self, batch: Document, max_age: float = FRESH_SECONDS) -> Counts:
        """The counts of a batch, at most so many seconds old."""
        if "counts" in batch:
            return Counts(**batch["counts"])
        now = time.monotonic()
        counted_at, counts = self._recent.get(batch["_id"], (0.0, Counts(0)))
        if now - counted_at < max_age:
            return counts
        counts = Counts.of_states(batch["total"], await self._items.counts(batch["_id"]))
        self._recent[batch["_id"]] = (now, counts)
        self._recent.move_to_end(batch["_id"])
        if len(self._recent) > REMEMBERED_BATCHES:
            self._recent.popitem(last=False)
        return counts

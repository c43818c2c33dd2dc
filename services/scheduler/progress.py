"""Counting a batch's items: computed when asked for, at most a few times a second for each batch."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import cast

from services.scheduler.model import Counts
from services.scheduler.store.database import Document
from services.scheduler.store.items import Items

FRESH_SECONDS = 0.25
REMEMBERED_BATCHES = 1_000


class Progress:
    """Counts of running batches, remembered for a moment; those of ended ones are in the batch."""

    def __init__(self, items: Items) -> None:
        self._items = items
        self._recent: OrderedDict[str, tuple[float, Mapping[str, int]]] = OrderedDict()

    async def counts(self, batch: Document, max_age: float = FRESH_SECONDS) -> Counts:
        """The counts of a batch, at most so many seconds old."""
        return Counts.of_states(batch["total"], await self._by_state(batch, max_age))

    async def in_states(self, batch: Document, states: Iterable[str]) -> int:
        """How many of a batch's items are in some states."""
        by_state = await self._by_state(batch, FRESH_SECONDS)
        return sum(by_state.get(state, 0) for state in set(states))

    async def _by_state(self, batch: Document, max_age: float) -> Mapping[str, int]:
        if "counts" in batch:
            return cast("Mapping[str, int]", batch["counts"])
        now = time.monotonic()
        counted_at, by_state = self._recent.get(batch["_id"], (float("-inf"), {}))
        if now - counted_at < max_age:
            return by_state
        by_state = await self._items.counts(batch["_id"])
        self._recent[batch["_id"]] = (now, by_state)
        self._recent.move_to_end(batch["_id"])
        if len(self._recent) > REMEMBERED_BATCHES:
            self._recent.popitem(last=False)
        return by_state

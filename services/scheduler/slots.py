"""Slots of ended items: given back together while nobody waits for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.common import ids
from services.scheduler import model
from services.scheduler.store.batches import Batches
from services.scheduler.store.database import Document

# As long as an ended item keeps its slot at most.
GATHER_SECONDS = 0.1
# A batch that has fewer left to end may be over before that.
LEAST_LEFT = 16


class Slots:
    """Gives slots back, and gathers those that can wait."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        # Ended items by batch, of the batches that can wait.
        self._gathered: dict[str, set[str]] = {}

    def gathers(self, item_id: str) -> bool:
        """Keep an ended item for later; false when its slot is to be given back at once."""
        gathered = self._gathered.get(ids.batch_of(item_id))
        if gathered is None:
            return False
        gathered.add(item_id)
        return True

    def gathered(self) -> Mapping[str, set[str]]:
        """What has been gathered since the last time, by batch."""
        gathered, self._gathered = self._gathered, {}
        return {batch_id: item_ids for batch_id, item_ids in gathered.items() if item_ids}

    async def give_back(self, batch_id: str, item_ids: Sequence[str]) -> Document | None:
        """Give back the slots of ended items: some fields of the batch after it, or None when none had one."""
        batch = await self._batches.release_slots(batch_id, item_ids)
        if batch is None and len(item_ids) > 1:
            # Somebody else has given back some of them.
            one_by_one = [await self._batches.release_slots(batch_id, [item_id]) for item_id in item_ids]
            batch = next(filter(None, reversed(one_by_one)), None)
        if batch is not None and _can_wait(batch):
            self._gathered.setdefault(batch_id, set())
        return batch


def _can_wait(batch: Document) -> bool:
    """Whether a batch has free slots and will not end soon."""
    left = batch["total"] - batch["next_index"] + batch["in_flight"]
    return bool(batch["window"] == model.NO_WINDOW and left >= LEAST_LEFT)

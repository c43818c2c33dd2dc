"""What is unfinished, as of the last look at the active batches: each one's place among them, and when it may end."""

from __future__ import annotations

from dataclasses import dataclass

from services.scheduler import clock, model
from services.scheduler.store.batches import Batches
from services.scheduler.store.database import Document
from services.scheduler.throughput import Throughput
from services.scheduler.turns import Turns, left


@dataclass(frozen=True)
class QueuePlace:
    """Where a batch is.

    Attributes:
        items_ahead: items of other batches that come before its last one.
        end_ms: when it may end; None when nothing was measured lately.
    """

    items_ahead: int
    end_ms: int | None


class Backlog:
    """All active batches, looked at by the dispatcher in every round, at least twice a second.

    Args:
        batches: the store.
        throughput: how fast the renderers are.
    """

    def __init__(self, batches: Batches, throughput: Throughput) -> None:
        self._batches = batches
        self._throughput = throughput
        self._accepted: dict[str, Document] = {}
        self.turns = Turns(())

    async def look(self) -> list[Document]:
        """Read all active batches, in the order of acceptance."""
        before = set(self._accepted)
        active = await self._batches.active()
        # What was accepted while they were read may not be among them.
        found = {batch["_id"] for batch in active} | before
        self._accepted = {name: batch for name, batch in self._accepted.items() if name not in found}
        gone = self._throughput.gone(active)
        self._throughput.look(active, await self._batches.rendered(gone) if gone else ())
        self.turns = Turns([*active, *self._accepted.values()])
        return active

    def accepted(self, batch: Document) -> None:
        """Count a new batch from now on."""
        self._accepted[batch["_id"]] = {**batch, "state": model.PENDING}
        self.turns = Turns([*self.turns.active, self._accepted[batch["_id"]]])

    def place(self, batch: Document) -> QueuePlace | None:
        """The place of a batch as it was just read; None when nobody waits for it any more."""
        if "active" not in batch or "cancel_requested_ms" in batch:
            return None
        ahead = self.turns.before_end_of(batch)
        seconds = self.seconds(ahead + left(batch))
        return QueuePlace(ahead, None if seconds is None else clock.now_ms() + round(seconds * 1000))

    def seconds(self, items: int) -> float | None:
        """How long so many items take, as fast as items have been ending; None when nothing was measured lately."""
        rate = self._throughput.per_second
        return None if rate is None else items / rate

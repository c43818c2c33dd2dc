"""How fast all renderers together have been working, as read from the batches. Pure.

What ended in this process says nothing of the other schedulers; what batches have left does.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Sequence

from services.scheduler import model
from services.scheduler.store.database import Document

WINDOW_SECONDS = 120.0
# Looks come as often as items end; what they saw is kept by the second.
BUCKET_SECONDS = 1.0
# From less than that nothing is concluded.
LEAST_BUSY_SECONDS = 1.0


class Throughput:
    """Measures what ended between looks at the active batches.

    Args:
        clock: seconds, never going back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # When it began, for how long something was in flight, and how many items ended.
        self._buckets: deque[tuple[float, float, int]] = deque()
        self._seen: dict[str, Document] = {}
        self._seen_at = clock()

    def gone(self, active: Sequence[Document]) -> list[str]:
        """Ids of batches that were seen at the last look and are not among those that are active now."""
        return [*self._seen.keys() - {str(batch["_id"]) for batch in active}]

    def look(self, active: Sequence[Document], over: Collection[str] = ()) -> None:
        """Take in all active batches as they are now.

        Args:
            active: the batches.
            over: ids of batches that are not among them any more because all of their items were rendered.
        """
        now, found = self._clock(), {str(batch["_id"]): batch for batch in active}
        busy = now - self._seen_at if any(batch["in_flight"] for batch in self._seen.values()) else 0.0
        ended = sum(
            _ended(seen, found[batch_id]) if batch_id in found else _left(seen)
            for batch_id, seen in self._seen.items()
            if batch_id in found or batch_id in over
        )
        self._seen, self._seen_at = found, now
        if busy or ended:
            self._add(now, busy, ended)
        self._forget(now)

    @property
    def per_second(self) -> float | None:
        """Items that ended a second while something was in flight; None when nothing was measured lately."""
        self._forget(self._clock())
        busy, ended = sum(bucket[1] for bucket in self._buckets), sum(bucket[2] for bucket in self._buckets)
        return ended / busy if ended and busy >= LEAST_BUSY_SECONDS else None

    def _add(self, now: float, busy: float, ended: int) -> None:
        if self._buckets and now - self._buckets[-1][0] < BUCKET_SECONDS:
            began, earlier_busy, earlier_ended = self._buckets.pop()
            self._buckets.append((began, earlier_busy + busy, earlier_ended + ended))
        else:
            self._buckets.append((now, busy, ended))

    def _forget(self, now: float) -> None:
        while self._buckets and self._buckets[0][0] < now - WINDOW_SECONDS:
            self._buckets.popleft()


def _ended(seen: Document, now: Document) -> int:
    """Items of a batch that ended between two looks, after having been rendered."""
    if seen["state"] != model.PROCESSING or "cancel_requested_ms" in now:
        return 0
    return max(_rendered(now) - _rendered(seen), 0)


def _left(seen: Document) -> int:
    return max(int(seen["total"]) - _refused(seen) - _rendered(seen), 0)


def _rendered(batch: Document) -> int:
    return int(batch["next_index"] - batch["in_flight"] - _refused(batch))


def _refused(batch: Document) -> int:
    """Items that were passed over, because their rows had been refused at submit."""
    return int(batch.get("passed_over", 0))

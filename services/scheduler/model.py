"""The state machine of batches and items: pure, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PENDING = "pending"
# Batches.
CREATING = "creating"
PROCESSING = "processing"
COMPLETED = "completed"
PARTIAL = "partial"
# Items.
DISPATCHED = "dispatched"
RENDERING = "rendering"
SUCCEEDED = "succeeded"
# Both.
FAILED = "failed"
CANCELLED = "cancelled"

BATCH_TRANSITIONS: Mapping[str, frozenset[str]] = {
    CREATING: frozenset({PENDING}),
    # Failed at once when no row fits the template.
    PENDING: frozenset({PROCESSING, FAILED, CANCELLED}),
    PROCESSING: frozenset({COMPLETED, PARTIAL, FAILED, CANCELLED}),
    COMPLETED: frozenset(),
    PARTIAL: frozenset(),
    FAILED: frozenset(),
    CANCELLED: frozenset(),
}
ITEM_TRANSITIONS: Mapping[str, frozenset[str]] = {
    PENDING: frozenset({DISPATCHED, CANCELLED}),
    DISPATCHED: frozenset({RENDERING, CANCELLED}),
    # Back to dispatched when handed back, to rendering when an expired lease is taken over.
    RENDERING: frozenset({DISPATCHED, RENDERING, SUCCEEDED, FAILED, CANCELLED}),
    SUCCEEDED: frozenset(),
    FAILED: frozenset(),
    CANCELLED: frozenset(),
}
ENDED_BATCH = frozenset(state for state, following in BATCH_TRANSITIONS.items() if not following)
ENDED_ITEM = frozenset(state for state, following in ITEM_TRANSITIONS.items() if not following)
OPEN_ITEM = tuple(state for state in ITEM_TRANSITIONS if state not in ENDED_ITEM)

MAX_CRASHES = 3
MAX_ATTEMPTS = 20
FAST_LANE_ITEMS = 10
FAST = "fast"
BULK = "bulk"
# Stands for "no cap of its own": in-flight items are then bounded by what is dispatched ahead.
NO_WINDOW = 1_000_000_000


@dataclass(frozen=True)
class Counts:
    """How many items of a batch are in which terminal state, of how many."""

    total: int
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0

    @property
    def ended(self) -> int:
        """Items that will not change any more."""
        return self.succeeded + self.failed + self.cancelled

    @classmethod
    def of_states(cls, total: int, by_state: Mapping[str, int]) -> Counts:
        """From the number of items in each state."""
        return cls(total, by_state.get(SUCCEEDED, 0), by_state.get(FAILED, 0), by_state.get(CANCELLED, 0))


def outcome(counts: Counts) -> str:
    """The terminal state of a batch whose items have all ended.

    Raises:
        ValueError: an item is still open.
    """
    if counts.ended != counts.total:
        raise ValueError(f"{counts.total - counts.ended} of {counts.total} items are open")
    if counts.cancelled:
        return CANCELLED
    if counts.failed == 0:
        return COMPLETED
    return PARTIAL if counts.succeeded else FAILED


def shown_state(state: str, *, cancel_requested: bool) -> str:
    """The batch state that callers see: a cancel shows at once, though items may take seconds to settle."""
    return CANCELLED if cancel_requested and state not in ENDED_BATCH else state


def revision(counts: Counts, *, started: bool, cancel_requested: bool, over: bool) -> int:
    """A number that grows with every change of a batch that its owner can see, from 1."""
    return 1 + counts.ended + started + cancel_requested + over


def lane(total: int) -> str:
    """The queue of a batch's items: small batches must not wait behind large ones."""
    return FAST if total <= FAST_LANE_ITEMS else BULK


def window(concurrency: int) -> int:
    """How many items of a batch may be in flight."""
    return concurrency or NO_WINDOW


def verdict_after_crash(crashes: int) -> str:
    """The state of an item whose renderer died or lost it for the n-th time."""
    return FAILED if crashes >= MAX_CRASHES else DISPATCHED

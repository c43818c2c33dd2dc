"""The state machine of batches and items: pure, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

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


class ItemEvent(StrEnum):
    """What happens to an item."""

    DISPATCH = "dispatch"
    RING_AGAIN = "ring again"
    CLAIM = "claim"
    EXTEND = "extend"
    # Another renderer goes on once a lease has run out.
    TAKE_OVER = "take over"
    HAND_BACK = "hand back"
    SUCCEED = "succeed"
    FAIL = "fail"
    # It was tried, or lost renderers, too often.
    GIVE_UP = "give up"
    CANCEL = "cancel"


class BatchEvent(StrEnum):
    """What happens to a batch."""

    COMMIT = "commit"
    START = "start"
    COMPLETE = "complete"
    COMPLETE_IN_PART = "complete in part"
    FAIL = "fail"
    CANCEL = "cancel"


# What may happen in which state, and the state that follows. Whatever is not here does not happen: the stores make
# the conditions of their updates of these tables. An item whose row does not fit its template is stored as failed.
ITEM_EVENTS: Mapping[str, Mapping[ItemEvent, str]] = {
    PENDING: {ItemEvent.DISPATCH: DISPATCHED, ItemEvent.CANCEL: CANCELLED},
    DISPATCHED: {
        ItemEvent.RING_AGAIN: DISPATCHED,
        ItemEvent.CLAIM: RENDERING,
        ItemEvent.GIVE_UP: FAILED,
        ItemEvent.CANCEL: CANCELLED,
    },
    RENDERING: {
        ItemEvent.RING_AGAIN: RENDERING,
        ItemEvent.EXTEND: RENDERING,
        ItemEvent.TAKE_OVER: RENDERING,
        ItemEvent.HAND_BACK: DISPATCHED,
        ItemEvent.SUCCEED: SUCCEEDED,
        ItemEvent.FAIL: FAILED,
        ItemEvent.GIVE_UP: FAILED,
        ItemEvent.CANCEL: CANCELLED,
    },
    SUCCEEDED: {},
    FAILED: {},
    CANCELLED: {},
}
BATCH_EVENTS: Mapping[str, Mapping[BatchEvent, str]] = {
    CREATING: {BatchEvent.COMMIT: PENDING},
    # Failed at once when no row fits the template.
    PENDING: {BatchEvent.START: PROCESSING, BatchEvent.FAIL: FAILED, BatchEvent.CANCEL: CANCELLED},
    PROCESSING: {
        BatchEvent.COMPLETE: COMPLETED,
        BatchEvent.COMPLETE_IN_PART: PARTIAL,
        BatchEvent.FAIL: FAILED,
        BatchEvent.CANCEL: CANCELLED,
    },
    COMPLETED: {},
    PARTIAL: {},
    FAILED: {},
    CANCELLED: {},
}
ENDED_BATCH = frozenset(state for state, events in BATCH_EVENTS.items() if not events)
ENDED_ITEM = frozenset(state for state, events in ITEM_EVENTS.items() if not events)
OPEN_ITEM = tuple(state for state in ITEM_EVENTS if state not in ENDED_ITEM)

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


def states_before(event: ItemEvent) -> list[str]:
    """The states of an item in which an event may happen."""
    return [state for state, events in ITEM_EVENTS.items() if event in events]


def state_after(event: ItemEvent) -> str:
    """The state that follows an event, whatever came before.

    Raises:
        ValueError: that depends on what came before.
    """
    (following,) = {events[event] for events in ITEM_EVENTS.values() if event in events}
    return following


def batch_states_before(following: str) -> list[str]:
    """The states that a batch may be in before another."""
    return [state for state, events in BATCH_EVENTS.items() if following in events.values()]


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

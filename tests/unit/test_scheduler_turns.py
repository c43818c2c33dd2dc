"""What comes before a batch, and how fast it gets there."""

from __future__ import annotations

from typing import Any

import pytest

from services.scheduler import model
from services.scheduler.store.database import Document
from services.scheduler.throughput import WINDOW_SECONDS, Throughput
from services.scheduler.turns import Turns, left


def batch(name: str, total: int, account: str = "a", **changed: Any) -> Document:
    """An active batch of which nothing was dispatched; they are accepted in the order of their names."""
    return {
        "_id": name,
        "account_id": account,
        "created_ms": 0,
        "state": model.PROCESSING,
        "lane": model.BULK,
        "single": False,
        "total": total,
        "next_index": 0,
        "in_flight": 0,
    } | changed


def test_what_is_in_flight_is_left_and_what_is_cancelled_is_not() -> None:
    assert left(batch("1", 100, next_index=40, in_flight=5)) == 65
    assert left(batch("1", 100, cancel_requested_ms=1)) == 0


@pytest.mark.parametrize(
    ("mine", "others", "ahead"),
    [
        (batch("1", 3), [], 0),
        # Batches of one account take turns, and so do accounts, however many batches they have.
        (batch("1", 3), [batch("2", 10_000)], 3),
        (batch("1", 3), [batch("2", 2)], 2),
        (batch("1", 3), [batch("2", 10_000, "b"), batch("3", 10_000, "b")], 3),
        (batch("1", 3), [batch("2", 10_000, "b"), batch("3", 1, "c")], 4),
        (batch("1", 3), [batch("2", 10_000), batch("3", 10_000, "b")], 9),
        # The lanes take turns as well.
        (batch("1", 3), [batch("2", 10_000, lane=model.FAST)], 3),
        (batch("1", 3, lane=model.FAST), [batch("2", 10_000, "b"), batch("3", 2, "b", lane=model.FAST)], 7),
        # One that waits for a place comes after what its account submitted before.
        (batch("2", 3, state=model.PENDING), [batch("1", 100), batch("3", 50, state=model.PENDING)], 100),
        (batch("1", 3), [batch("2", 50, state=model.PENDING)], 0),
        # Nobody waits for what is cancelled.
        (batch("1", 3), [batch("2", 10_000, cancel_requested_ms=1)], 0),
    ],
)
def test_items_ahead(mine: Document, others: list[Document], ahead: int) -> None:
    assert Turns([mine, *others]).before_end_of(mine) == ahead
    # One that was accepted a moment ago is not among them yet.
    assert Turns(others).before_end_of(mine) == ahead


def test_sums() -> None:
    turns = Turns([batch("1", 3), batch("2", 5), batch("3", 7, "b"), batch("4", 9, "c", cancel_requested_ms=1)])
    assert (turns.items, turns.accounts) == (15, 2)
    assert [turns.items_of(name) for name in "abcd"] == [8, 7, 0, 0]


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_throughput_counts_what_ended_while_something_was_in_flight() -> None:
    clock = Clock()
    throughput = Throughput(clock)
    throughput.look([batch("1", 100, in_flight=4, next_index=4)])
    assert throughput.per_second is None
    clock.now = 10
    throughput.look([batch("1", 100, in_flight=4, next_index=54)])
    assert throughput.per_second == pytest.approx(5)
    # Its last items ended between two looks.
    clock.now = 20
    assert throughput.gone([batch("2", 5)]) == ["1"]
    throughput.look([], {"1"})
    assert throughput.per_second == pytest.approx(5)
    # Nothing was in flight: that was not slow, there was nothing to do.
    clock.now = 60
    throughput.look([])
    assert throughput.per_second == pytest.approx(5)
    clock.now = 21 + WINDOW_SECONDS
    assert throughput.per_second is None


def test_throughput_counts_no_items_that_were_not_rendered() -> None:
    clock = Clock()
    throughput = Throughput(clock)
    rendered = batch("1", 100, next_index=2, in_flight=2)
    refused = batch("2", 1_000, next_index=2, in_flight=2)
    cancelled = batch("3", 1_000, next_index=2, in_flight=2)
    waiting = batch("4", 1_000, state=model.PENDING)
    gone = batch("5", 1_000, next_index=900, in_flight=4)
    throughput.look([rendered, refused, cancelled, waiting, gone])
    clock.now = 5
    throughput.look(
        [
            rendered | {"next_index": 12},
            refused | {"next_index": 802, "passed_over": 800},
            cancelled | {"next_index": 900, "cancel_requested_ms": 1},
        ]
    )
    clock.now = 10
    throughput.look([rendered | {"next_index": 22}, refused | {"next_index": 802, "passed_over": 800}])
    assert throughput.per_second == pytest.approx(2)


def test_throughput_of_stopped_renderers_fades() -> None:
    clock = Clock()
    throughput = Throughput(clock)
    stuck = batch("1", 100, next_index=14, in_flight=4)
    throughput.look([stuck | {"next_index": 4}])
    for clock.now in range(1, 101):
        throughput.look([stuck])
    assert throughput.per_second == pytest.approx(0.1)
    for clock.now in range(101, 130):
        throughput.look([stuck])
    assert throughput.per_second is None

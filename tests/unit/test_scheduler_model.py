"""The state machine's pure rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from services.scheduler import model
from services.scheduler.cancel import next_chunk
from services.scheduler.model import Counts


@pytest.mark.parametrize(
    ("counts", "state"),
    [
        (Counts(3, succeeded=3), model.COMPLETED),
        (Counts(3, succeeded=1, failed=2), model.PARTIAL),
        (Counts(3, failed=3), model.FAILED),
        (Counts(3, succeeded=2, cancelled=1), model.CANCELLED),
        (Counts(3, failed=2, cancelled=1), model.CANCELLED),
    ],
)
def test_outcome(counts: Counts, state: str) -> None:
    assert model.outcome(counts) == state


def test_no_outcome_while_items_are_open() -> None:
    with pytest.raises(ValueError, match="1 of 3 items are open"):
        model.outcome(Counts(3, succeeded=2))


def test_terminal_states_lead_nowhere() -> None:
    assert {"completed", "partial", "failed", "cancelled"} == model.ENDED_BATCH
    assert {"succeeded", "failed", "cancelled"} == model.ENDED_ITEM


def test_every_event_leads_to_a_state() -> None:
    tables: tuple[Mapping[str, Mapping[Any, str]], ...] = (model.BATCH_EVENTS, model.ITEM_EVENTS)
    for table in tables:
        for events in table.values():
            assert set(events.values()) <= table.keys()


def test_every_event_of_an_item_ends_in_one_state_or_leaves_it_where_it_was() -> None:
    for event in set(model.ItemEvent) - {model.ItemEvent.RING_AGAIN}:
        assert model.state_after(event) in model.ITEM_EVENTS
    for state in model.states_before(model.ItemEvent.RING_AGAIN):
        assert model.ITEM_EVENTS[state][model.ItemEvent.RING_AGAIN] == state


def test_what_is_open_can_be_cancelled_and_what_has_ended_can_not() -> None:
    assert model.states_before(model.ItemEvent.CANCEL) == list(model.OPEN_ITEM)
    assert model.batch_states_before(model.CANCELLED) == [model.PENDING, model.PROCESSING]


def test_a_cancel_shows_before_it_settles_but_not_after_another_end() -> None:
    assert model.shown_state(model.PROCESSING, cancel_requested=True) == model.CANCELLED
    assert model.shown_state(model.PROCESSING, cancel_requested=False) == model.PROCESSING
    assert model.shown_state(model.COMPLETED, cancel_requested=True) == model.COMPLETED


def test_small_batches_take_the_fast_lane() -> None:
    assert model.lane(model.FAST_LANE_ITEMS) == model.FAST
    assert model.lane(model.FAST_LANE_ITEMS + 1) == model.BULK


def test_the_third_crash_fails_an_item() -> None:
    assert [model.verdict_after_crash(n) for n in (1, 2, 3)] == [model.DISPATCHED, model.DISPATCHED, model.FAILED]


def test_items_are_cancelled_by_as_many_as_the_database_manages_quickly() -> None:
    quick = [4]
    while quick[-1] < 500:
        quick.append(next_chunk(quick[-1], 0.01))
    assert quick == [4, 8, 16, 32, 64, 128, 256, 500]
    assert [next_chunk(chunk, 2.0) for chunk in (500, 9, 4)] == [250, 4, 4]

"""What event streams are made of, without I/O."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway import sse
from services.scheduler import model
from services.scheduler.model import Counts

SMALL = st.integers(0, 50)


@pytest.mark.parametrize(
    ("header", "revision"),
    [(None, 0), ("", 0), ("17", 17), ("-1", 0), ("1.5", 0), ("abc", 0), ("9" * 16, 0), ("\u0663", 0), ("\u00b2", 0)],
)
def test_a_last_event_id_that_no_event_had_is_none(header: str | None, revision: int) -> None:
    assert sse.seen_revision(header) == revision


@given(st.lists(st.sampled_from(["item", "start", "cancel", "end"]), max_size=30))
def test_a_revision_grows_with_every_change(changes: list[str]) -> None:
    ended, flags, seen = 0, {"start": False, "cancel": False, "end": False}, []
    for change in ["", *changes]:
        if change == "item":
            ended += 1
        elif change and flags[change]:
            continue
        elif change:
            flags[change] = True
        counts = Counts(100, succeeded=ended)
        seen.append(model.revision(counts, started=flags["start"], cancel_requested=flags["cancel"], over=flags["end"]))
    assert seen == list(range(1, len(seen) + 1))


@given(SMALL, SMALL, SMALL)
def test_a_revision_counts_every_way_to_end(succeeded: int, failed: int, cancelled: int) -> None:
    counts = Counts(200, succeeded, failed, cancelled)
    found = model.revision(counts, started=False, cancel_requested=False, over=False)
    assert found == 1 + succeeded + failed + cancelled

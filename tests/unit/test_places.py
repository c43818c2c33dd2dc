"""Places of one process, and the part of them that an account may hold."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from services.common.errors import PresslineError, Reason
from services.common.places import RETRY_SECONDS, Places


def refusal(places: Places, account_id: str) -> PresslineError:
    with pytest.raises(PresslineError) as caught, places.held(account_id):
        pass
    return caught.value


def test_an_account_holds_its_part_and_leaves_the_rest_to_others() -> None:
    places = Places(3, 2, "event streams")
    with places.held("greedy"), places.held("greedy"):
        error = refusal(places, "greedy")
        assert (error.reason, error.retry_after) == (Reason.RATE_LIMITED, RETRY_SECONDS)
        assert "2 event streams" in error.message
        with places.held("other"):
            error = refusal(places, "third")
            assert (error.reason, error.retry_after) == (Reason.SERVICE_UNAVAILABLE, RETRY_SECONDS)
            # Waiting for others would not help it.
            assert refusal(places, "greedy").reason is Reason.RATE_LIMITED


def test_places_are_given_back_however_they_are_left() -> None:
    places = Places(2, 1, "event streams")
    for _ in range(5):
        with ExitStack() as held:
            held.enter_context(places.held("one"))
            held.enter_context(places.held("two"))
        with pytest.raises(ZeroDivisionError), places.held("one"):
            _ = 1 / 0
    assert not places._held

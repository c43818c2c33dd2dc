"""Whose turn it is."""

from __future__ import annotations

from services.scheduler import model
from services.scheduler.dispatch import LONGEST_REST_SECONDS, QUICK_LOOK_SECONDS, REST_SECONDS, rest_seconds
from services.scheduler.rotation import Rotation
from services.scheduler.store.database import Document


def batch(name: str, account: str, lane: str = model.BULK) -> Document:
    return {"_id": name, "account_id": account, "lane": lane}


A1, A2, B1, C1 = batch("a1", "a"), batch("a2", "a"), batch("b1", "b"), batch("c1", "c")


def taken(rotation: Rotation, ready: list[Document], rounds: int) -> str:
    """The batches that get an item when every round has room for a single one."""
    names = ""
    for _ in range(rounds):
        first = rotation.of(ready)[0][0]
        rotation.took(first)
        names += f"{first['_id']} "
    return names.strip()


def test_turns_go_on_where_the_round_before_ended() -> None:
    assert taken(Rotation(), [A1, A2, B1, C1], 8) == "a1 b1 c1 a2 b1 c1 a1 b1"


def test_a_round_of_the_other_lane_changes_nothing() -> None:
    rotation, fast = Rotation(), [batch("f1", "a", model.FAST), batch("f2", "b", model.FAST)]
    together = [(taken(rotation, fast, 1), taken(rotation, [A1, B1], 1)) for _ in range(4)]
    assert together == [("f1", "a1"), ("f2", "b1"), ("f1", "a1"), ("f2", "b1")]


def test_who_comes_anew_is_next_and_has_nothing_to_catch_up() -> None:
    rotation = Rotation()
    assert taken(rotation, [A1], 5) == "a1 a1 a1 a1 a1"
    assert taken(rotation, [A1, B1], 4) == "b1 a1 b1 a1"


def test_batches_that_are_over_are_forgotten() -> None:
    rotation = Rotation()
    assert taken(rotation, [A1, B1], 2) == "a1 b1"
    rotation.forget_others([B1])
    assert taken(rotation, [B1, A1], 1) == "a1"


def test_the_database_rests_after_a_long_look_and_while_renderers_have_enough_to_do() -> None:
    assert rest_seconds(QUICK_LOOK_SECONDS, enough=False) == 0
    assert rest_seconds(0, enough=True) == REST_SECONDS
    longer = rest_seconds(0.3, enough=False)
    assert 0 < rest_seconds(2 * QUICK_LOOK_SECONDS, enough=False) < longer <= LONGEST_REST_SECONDS
    assert rest_seconds(0.3, enough=True) == longer
    assert rest_seconds(60, enough=True) == LONGEST_REST_SECONDS

"""Key forms, months and scopes, without I/O."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.common.errors import PresslineError, Reason
from services.common.scopes import Scope
from services.scheduler import keyring, keys, usage
from services.scheduler.accounts import Caller


@pytest.mark.parametrize("form", [keys.PK_LIVE, keys.PK_TEST, keys.DK_LIVE_SK])
def test_a_key_shows_its_form_and_little_more(form: str) -> None:
    key = keys.new_api_key(form)
    prefix = keys.shown_prefix(key, form)
    assert key.startswith(prefix)
    assert (prefix[: len(form)], len(prefix)) == (form, len(form) + 4)
    assert len(key) >= len(form) + 32


def test_a_key_without_an_end_is_open_whenever_it_is_asked_for() -> None:
    assert keyring.is_open({}, 0)
    assert keyring.is_open({"expires_ms": 11}, 10)
    assert not keyring.is_open({"expires_ms": 10}, 10)


def ms(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp() * 1000)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("now", "month", "next_month"),
    [
        (ms(2026, 11, 1), "2026-11", ms(2026, 12, 1)),
        (ms(2026, 12, 31, 23, 59, 59), "2026-12", ms(2027, 1, 1)),
        (ms(2028, 2, 29, 12), "2028-02", ms(2028, 3, 1)),
    ],
)
def test_months_are_calendar_months_in_utc(now: int, month: str, next_month: int) -> None:
    assert usage.month_of(now) == month
    assert usage.next_month_ms(now) == next_month


def test_a_key_does_what_its_scopes_say_and_an_operator_everything() -> None:
    reader = Caller({"_id": "a"}, {"key_id": "key_x", "scopes": ["read"]})
    reader.require(Scope.READ)
    with pytest.raises(PresslineError, match="'admin'") as caught:
        reader.require(Scope.ADMIN)
    assert caught.value.reason is Reason.FORBIDDEN
    operator = Caller({"_id": "a"})
    operator.require(Scope.ADMIN)
    assert (reader.actor, operator.actor) == ("key_x", "operator")

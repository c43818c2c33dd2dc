from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pressline.webhook.v1 import webhook_pb2
from services.notifier.schedule import DELAYS, Decision, decide

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
PENDING = webhook_pb2.DELIVERY_STATE_PENDING


def _wait(attempts_made: int, retry_after: str | None, spread: float = 0) -> float:
    decision = decide(attempts_made, 503, retry_after, NOW, spread)
    assert decision.next_time is not None
    return (decision.next_time - NOW).total_seconds()


def test_ten_attempts_span_75_hours_35_minutes_5_seconds() -> None:
    assert len(DELAYS) == 10
    assert timedelta(seconds=sum(DELAYS)) == timedelta(hours=75, minutes=35, seconds=5)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_success_delivers(status: int) -> None:
    assert decide(1, status, None, NOW, 0) == Decision(webhook_pb2.DELIVERY_STATE_DELIVERED)
    assert decide(10, status, "5", NOW, 0) == Decision(webhook_pb2.DELIVERY_STATE_DELIVERED)


@pytest.mark.parametrize("attempts_made", [1, 9, 10])
def test_gone_disables(attempts_made: int) -> None:
    assert decide(attempts_made, 410, "5", NOW, 0) == Decision(webhook_pb2.DELIVERY_STATE_DISABLED)


@pytest.mark.parametrize("status", [0, 101, 301, 302, 304, 307, 308, 400, 401, 404, 409, 429, 500, 502, 503, 599])
def test_everything_else_is_tried_again_and_at_last_given_up(status: int) -> None:
    assert decide(9, status, None, NOW, 0) == Decision(PENDING, NOW + timedelta(hours=24))
    assert decide(10, status, None, NOW, 0) == Decision(webhook_pb2.DELIVERY_STATE_DEAD)


@pytest.mark.parametrize(
    ("spread", "seconds"),
    [(-1, 270), (0, 300), (1, 330)],
)
def test_jitter_is_a_tenth(spread: float, seconds: float) -> None:
    assert _wait(2, None, spread) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("450", 450),
        (" 450 ", 450),
        ("0", 300),
        ("299", 300),
        ("601", 600),
        ("9" * 5000, 600),
        ("Sun, 01 Mar 2026 12:07:30 GMT", 450),
        ("Sunday, 01-Mar-26 12:07:30 GMT", 450),
        ("Sun Mar  1 12:07:30 2026", 450),
        ("Sun, 01 Mar 2026 13:07:30 +0100", 450),
        ("Sun, 01 Mar 2026 12:07:30 -0000", 450),
        ("Sat, 01 Mar 2025 12:00:00 GMT", 300),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 600),
    ],
)
def test_retry_after_counts_between_the_delay_and_twice_the_delay(retry_after: str, seconds: float) -> None:
    assert _wait(2, retry_after, spread=1) == seconds


@pytest.mark.parametrize("retry_after", ["", "soon", "-5", "1.5", "٣", "Sun, 99 Mar 2026 12:00:00 GMT", "\x00"])
def test_an_unreadable_retry_after_is_ignored(retry_after: str) -> None:
    assert _wait(2, retry_after, spread=1) == 330

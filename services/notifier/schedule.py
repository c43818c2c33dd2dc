"""What follows an attempt: done, disabled, another attempt at a certain time, or given up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from pressline.webhook.v1 import webhook_pb2

_SECOND, _MINUTE, _HOUR = 1, 60, 3600

# Seconds before each attempt, counted from the end of the one before it.
DELAYS = (
    0,
    5 * _SECOND,
    5 * _MINUTE,
    30 * _MINUTE,
    2 * _HOUR,
    5 * _HOUR,
    10 * _HOUR,
    14 * _HOUR,
    20 * _HOUR,
    24 * _HOUR,
)
JITTER = 0.1
_LONGEST_WISH = 2


@dataclass(frozen=True)
class Decision:
    """The state after an attempt; `next_time` is set only when it is PENDING."""

    state: webhook_pb2.DeliveryState.ValueType
    next_time: datetime | None = None


def decide(attempts_made: int, status: int, retry_after: str | None, now: datetime, spread: float) -> Decision:
    """Decide what follows an attempt.

    Args:
        attempts_made: attempts so far, this one included.
        status: the receiver's HTTP status; 0 when there was none.
        retry_after: the receiver's Retry-After header.
        now: when the attempt ended, with its time zone.
        spread: -1 to 1, drawn at random, so that deliveries that failed together are not tried together.
    """
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Decision(webhook_pb2.DELIVERY_STATE_DELIVERED)
    if status == HTTPStatus.GONE:
        return Decision(webhook_pb2.DELIVERY_STATE_DISABLED)
    if attempts_made >= len(DELAYS):
        return Decision(webhook_pb2.DELIVERY_STATE_DEAD)
    wait = _wait(DELAYS[attempts_made], _seconds(retry_after, now), spread)
    return Decision(webhook_pb2.DELIVERY_STATE_PENDING, now + timedelta(seconds=wait))


def _wait(base: float, wished: float | None, spread: float) -> float:
    if wished is None:
        return base * (1 + JITTER * spread)
    return min(max(wished, base), base * _LONGEST_WISH)


def _seconds(retry_after: str | None, now: datetime) -> float | None:
    """The header as seconds from now; None when it is missing or unreadable."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    # A date whose zone is unknown is read as UTC, the only zone that HTTP dates have.
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()

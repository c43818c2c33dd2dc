from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from hypothesis import given
from hypothesis import strategies as st

from pressline.webhook.v1 import webhook_pb2
from services.notifier.schedule import DELAYS, decide

moments = st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
spreads = st.floats(-1, 1)
failures = st.one_of(st.just(0), st.integers(300, 599).filter(lambda status: status != 410))
wishes = st.one_of(st.none(), st.text(max_size=60), st.integers(0, 10**12).map(str), moments.map(format_datetime))


@given(moments, failures, st.lists(spreads, min_size=10, max_size=10))
def test_a_receiver_that_never_answers_well_gets_ten_attempts(start: datetime, status: int, luck: list[float]) -> None:
    now, waits = start, []
    for made in range(1, 10):
        decision = decide(made, status, None, now, luck[made])
        assert decision.state == webhook_pb2.DELIVERY_STATE_PENDING
        assert decision.next_time is not None
        waits.append((decision.next_time - now).total_seconds())
        now = decision.next_time
    assert decide(10, status, None, now, luck[0]).state == webhook_pb2.DELIVERY_STATE_DEAD
    # Times are kept to the microsecond.
    assert all(abs(wait - base) <= 0.1 * base + 1e-5 for base, wait in zip(DELAYS[1:], waits, strict=True))
    total = timedelta(hours=75, minutes=35, seconds=5)
    assert total * 0.9 <= now - start <= total * 1.1


@given(st.integers(1, 9), failures, wishes, moments, spreads)
def test_no_header_moves_the_next_attempt_out_of_bounds(
    made: int, status: int, wish: str | None, now: datetime, spread: float
) -> None:
    decision = decide(made, status, wish, now, spread)
    assert decision.next_time is not None
    wait = (decision.next_time - now).total_seconds()
    assert 0.9 * DELAYS[made] - 1e-5 <= wait <= 2 * DELAYS[made] + 1e-5


@given(st.integers(1, 9), st.integers(0, 200_000), moments, spreads)
def test_seconds_and_date_mean_the_same(made: int, seconds: int, now: datetime, spread: float) -> None:
    whole = now.replace(microsecond=0)
    date = format_datetime(whole + timedelta(seconds=seconds), usegmt=True)
    assert decide(made, 503, date, whole, spread) == decide(made, 503, str(seconds), whole, spread)


@given(st.integers(1, 12), st.integers(0, 599), wishes, moments, spreads)
def test_a_next_time_comes_with_pending_and_only_with_it(
    made: int, status: int, wish: str | None, now: datetime, spread: float
) -> None:
    decision = decide(made, status, wish, now, spread)
    assert (decision.next_time is not None) == (decision.state == webhook_pb2.DELIVERY_STATE_PENDING)

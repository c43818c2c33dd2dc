"""What one gateway takes on at once."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from starlette.datastructures import Headers

from services.common.errors import PresslineError, Reason
from services.gateway.load import Load


def sized(length: int) -> Headers:
    return Headers({"content-length": str(length)})


def test_a_body_beyond_the_limit_is_refused_by_its_announcement() -> None:
    with pytest.raises(PresslineError) as caught, Load(max_body=10, max_bytes=100).request(sized(11)):
        pass
    assert caught.value.reason is Reason.PAYLOAD_TOO_LARGE


def test_bodies_share_one_budget_and_give_it_back() -> None:
    load = Load(max_body=60, max_bytes=100)
    with load.request(sized(60)):
        with pytest.raises(PresslineError) as caught, load.request(sized(60)):
            pass
        assert (caught.value.reason, caught.value.retry_after) == (Reason.SERVICE_UNAVAILABLE, 1)
        with load.request(sized(40)):
            pass
    with load.request(sized(60)):
        pass


def test_a_body_of_unknown_length_counts_as_the_largest() -> None:
    load = Load(max_body=60, max_bytes=100)
    with (
        load.request(Headers({"transfer-encoding": "chunked"})),
        pytest.raises(PresslineError),
        load.request(sized(41)),
    ):
        pass


def test_requests_are_bounded() -> None:
    load = Load(max_body=10, max_bytes=100, max_requests=3)
    with ExitStack() as held:
        for _ in range(3):
            held.enter_context(load.request(Headers()))
        with pytest.raises(PresslineError), load.request(Headers()):
            pass
    with load.request(Headers()):
        pass

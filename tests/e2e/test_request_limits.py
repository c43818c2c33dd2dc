"""The request limits of the plans, exactly, through two gateways and two schedulers together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import httpx2
import pytest

from pressline.account.v1 import account_pb2
from tests.support.replicas import ScaledOut, scaled_out
from tests.support.servers import S3Server, UrlServer

WINDOW_SECONDS = 60
# So much of a window must be left to begin in it.
ROOM_SECONDS = 45
CALLERS = 8
ATTEMPTS = 3


@pytest.fixture(scope="module")
def replicas(
    nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ScaledOut]:
    with scaled_out((nats_server, mongodb_server, s3_server), tmp_path_factory.mktemp("logs")) as running:
        yield running


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("plan", "limit"),
    [(account_pb2.PLAN_FREE, 60), (account_pb2.PLAN_PRO, 300), (account_pb2.PLAN_BUSINESS, 1_000)],
)
async def test_the_request_after_the_last_allowed_one_is_429_on_either_gateway(
    replicas: ScaledOut, plan: account_pb2.Plan.ValueType, limit: int
) -> None:
    for attempt in range(ATTEMPTS):
        key = await asyncio.to_thread(replicas.key, f"limit-{limit}-{attempt}", plan)
        await room_in_the_window()
        answers = await ask(replicas, key, limit)
        refused = [await ask(replicas, key, 1, first) for first in (0, 1)]
        if len({answer.headers["x-ratelimit-reset"] for answer in [*answers, *refused[0], *refused[1]]}) == 1:
            break
    else:
        pytest.fail(f"{limit} requests did not fit into one window, {ATTEMPTS} times")
    assert {answer.status_code for answer in answers} == {200}
    remaining = sorted(int(answer.headers["x-ratelimit-remaining"]) for answer in answers)
    assert remaining == list(range(limit))
    assert {answer.headers["x-ratelimit-limit"] for answer in answers} == {str(limit)}
    for (answer,) in refused:
        assert answer.status_code == 429
        assert answer.json()["error"]["code"] == "RATE_LIMITED"
        assert answer.headers["x-ratelimit-remaining"] == "0"
        assert answer.headers["ratelimit-policy"] == f'"minute";q={limit};w=60'
        left = int(answer.headers["x-ratelimit-reset"]) - time.time()
        assert 0 < int(answer.headers["retry-after"]) <= WINDOW_SECONDS
        assert abs(int(answer.headers["retry-after"]) - left) < 20


@pytest.mark.timeout(200)
async def test_all_keys_of_an_account_share_its_window(replicas: ScaledOut) -> None:
    for attempt in range(ATTEMPTS):
        account = f"shared-{attempt}"
        keys = [await asyncio.to_thread(replicas.key, account, account_pb2.PLAN_FREE) for _ in range(2)]
        await room_in_the_window()
        answers = [answer for key in keys for answer in await ask(replicas, key, 30)]
        refused = [answer for key in keys for answer in await ask(replicas, key, 1)]
        if len({answer.headers["x-ratelimit-reset"] for answer in [*answers, *refused]}) == 1:
            break
    else:
        pytest.fail(f"60 requests did not fit into one window, {ATTEMPTS} times")
    assert sorted(int(answer.headers["x-ratelimit-remaining"]) for answer in answers) == list(range(60))
    assert [answer.status_code for answer in refused] == [429, 429]


async def room_in_the_window() -> None:
    """Wait for a window that has only begun; windows are the clock's minutes."""
    while WINDOW_SECONDS - time.time() % WINDOW_SECONDS < ROOM_SECONDS:
        await asyncio.sleep(0.2)


async def ask(replicas: ScaledOut, key: str, count: int, first: int = 0) -> list[httpx2.Response]:
    """So many requests, in turn through both gateways, a few at a time."""
    numbers = iter(range(first, first + count))
    answers: list[httpx2.Response] = []

    async def one_after_another(client: httpx2.AsyncClient) -> None:
        answers.extend([await client.get(f"{replicas.gateways[number % 2]}/v1/usage") for number in numbers])

    headers = {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as client:
        await asyncio.gather(*(one_after_another(client) for _ in range(CALLERS)))
    return answers

"""Many identical submits at once, with one Idempotency-Key, through two gateways and two schedulers."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx2
import pytest

from tests.support.replicas import ScaledOut, scaled_out
from tests.support.servers import S3Server, UrlServer

CALLERS = 50
AGAIN_SECONDS = 60
PAGE = "<p>{{name}}</p>"
ROWS = [{"name": f"row {index}"} for index in range(60)]
# A body for each API's batch route; `{template}` becomes the id of a template.
CALLS = {
    "native": ("/v1/batches", {"defaults": {"html": PAGE, "output": {"format": "png"}}, "items": [{"data": ROWS[0]}]}),
    "deckle": ("/v1/generate/batch", {"items": [{"html": PAGE, "data": row} for row in ROWS]}),
    "pictify": ("/templates/{template}/batch-render", {"variableSets": ROWS}),
}


@pytest.fixture(scope="module")
def replicas(
    nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ScaledOut]:
    with scaled_out((nats_server, mongodb_server, s3_server), tmp_path_factory.mktemp("logs")) as running:
        yield running


@asynccontextmanager
async def account(replicas: ScaledOut) -> AsyncIterator[httpx2.AsyncClient]:
    """A client with the key of a new account."""
    key = await asyncio.to_thread(replicas.key, f"same-key-{secrets.token_hex(4)}")
    async with httpx2.AsyncClient(
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        limits=httpx2.Limits(max_connections=CALLERS),
        timeout=60,
        trust_env=False,
    ) as client:
        yield client


@pytest.mark.timeout(240)
@pytest.mark.parametrize("api", CALLS)
async def test_fifty_identical_submits_make_one_batch(replicas: ScaledOut, api: str) -> None:
    path, body = CALLS[api]
    async with account(replicas) as client:
        template = {"name": "card", "html": PAGE, "width": 300, "height": 200}
        made = await client.post(f"{replicas.gateways[0]}/templates", json=template)
        calls = Calls(client, path.format(template=made.json()["uid"]), json.dumps(body).encode())
        answers = await asyncio.gather(*(calls.post(replicas.gateways[number % 2]) for number in range(CALLERS)))
        assert_one_story(answers)
        later = [await calls.until_accepted(gateway) for gateway in replicas.gateways]
        first = next(answer for answer in answers if answer.status_code == 202)
        for answer in later:
            assert (answer.status_code, answer.content) == (202, first.content)
            assert answer.headers["idempotent-replayed"] == "true"
        for gateway in replicas.gateways:
            assert len((await client.get(f"{gateway}/v1/batches")).json()["data"]) == 1


@pytest.mark.timeout(240)
async def test_fifty_submits_with_keys_of_their_own_make_fifty_batches(replicas: ScaledOut) -> None:
    path, body = CALLS["native"]
    async with account(replicas) as client:
        calls = [Calls(client, path, json.dumps(body).encode()) for _ in range(CALLERS)]
        answers = await asyncio.gather(*(call.post(replicas.gateways[i % 2]) for i, call in enumerate(calls)))
        assert {answer.status_code for answer in answers} == {202}
        assert len({answer.json()["id"] for answer in answers}) == CALLERS
        assert not any("idempotent-replayed" in answer.headers for answer in answers)


class Calls:
    """One call, made again and again with one key."""

    def __init__(self, client: httpx2.AsyncClient, path: str, body: bytes) -> None:
        self._client, self._path, self._body = client, path, body
        self._headers = {"Idempotency-Key": secrets.token_hex(16)}

    async def post(self, gateway: str) -> httpx2.Response:
        """Make it once."""
        return await self._client.post(gateway + self._path, content=self._body, headers=self._headers)

    async def until_accepted(self, gateway: str) -> httpx2.Response:
        """Make it until it is not answered with 409 any more."""
        async with asyncio.timeout(AGAIN_SECONDS):
            while (answer := await self.post(gateway)).status_code == 409:
                await asyncio.sleep(0.1)
        return answer


def assert_one_story(answers: list[httpx2.Response]) -> None:
    """One answer is the first; any other repeats it, marked as such, or says when to ask again."""
    assert {answer.status_code for answer in answers} <= {202, 409}, {answer.text for answer in answers}
    accepted = [answer for answer in answers if answer.status_code == 202]
    assert len({answer.content for answer in accepted}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in accepted) == 1
    for answer in answers:
        if answer.status_code == 409:
            assert "CONFLICT" in answer.text
            assert int(answer.headers["retry-after"]) >= 1
        else:
            assert answer.headers.get("idempotent-replayed", "true") == "true"

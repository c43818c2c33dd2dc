"""Scripts on other sites' pages: what their browsers are told, in answers of every kind."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest

from pressline.account.v1 import account_pb2
from services.gateway.cors import EXPOSED
from services.scheduler.settings import SchedulerSettings
from tests.support.gateway_inside import Gateway, running_gateway
from tests.support.scheduler import Client, running_scheduler, scheduler_settings
from tests.support.servers import S3Server, UrlServer

SITE, OTHER = "https://app.example.com", "https://evil.example.com"
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,idempotency-key,x-of-some-sdk",
}


@pytest.fixture(scope="module")
def settings(nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server) -> SchedulerSettings:
    return scheduler_settings(nats_server, mongodb_server, s3_server)


@pytest.fixture(scope="module")
async def anonymous(settings: SchedulerSettings) -> AsyncIterator[Client]:
    async with running_scheduler(settings) as client:
        yield client


@pytest.fixture(scope="module")
async def gateway(settings: SchedulerSettings, anonymous: Client) -> AsyncIterator[Gateway]:
    async with running_gateway(settings, cors_origins=(SITE, "http://localhost:3000")) as running:
        yield running


def allowed_origin(answer: httpx2.Response) -> str | None:
    return answer.headers.get("access-control-allow-origin")


async def preflight(rest: httpx2.AsyncClient, path: str, origin: str, method: str = "POST") -> httpx2.Response:
    headers = {"Origin": origin, **PREFLIGHT, "Access-Control-Request-Method": method}
    request = rest.build_request("OPTIONS", path, headers=headers)
    del request.headers["authorization"]
    return await rest.send(request)


async def test_preflights_need_no_key_and_count_as_no_request(gateway: Gateway, anonymous: Client) -> None:
    account = await anonymous.as_account("preflights")
    async with gateway.client(account.key) as rest:
        before = int((await rest.get("/v1/usage")).headers["x-ratelimit-remaining"])
        for method in ("GET", "POST", "PUT", "DELETE"):
            answer = await preflight(rest, "/v1/batches", SITE, method)
            assert (answer.status_code, allowed_origin(answer)) == (200, SITE)
            assert method in answer.headers["access-control-allow-methods"].split(", ")
            asked = PREFLIGHT["Access-Control-Request-Headers"]
            assert answer.headers["access-control-allow-headers"] == asked
            assert int(answer.headers["access-control-max-age"]) > 0
            assert "access-control-allow-credentials" not in answer.headers
        after = (await rest.get("/v1/usage")).headers
        # Unless a minute has just begun.
        assert int(after["x-ratelimit-remaining"]) in {before - 1, int(after["x-ratelimit-limit"]) - 1}


async def test_other_sites_are_not_let_in(gateway: Gateway, anonymous: Client) -> None:
    account = await anonymous.as_account("strangers")
    async with gateway.client(account.key) as rest:
        refused = await preflight(rest, "/v1/batches", OTHER)
        assert (refused.status_code, allowed_origin(refused)) == (400, None)
        answer = await rest.get("/v1/usage", headers={"Origin": OTHER})
        assert (answer.status_code, allowed_origin(answer)) == (200, None)


async def test_answers_and_errors_can_be_read_with_their_headers(gateway: Gateway, anonymous: Client) -> None:
    account = await anonymous.as_account("reader")
    origin = {"Origin": SITE}
    async with gateway.client(account.key) as rest, gateway.client("pk_live_unknown") as unknown:
        answers = [
            await rest.get("/v1/usage", headers=origin),
            await rest.get("/healthz", headers=origin),
            await rest.post("/v1/batches", headers=origin, json={}),
            await rest.post("/v1/batches", headers=origin, content=b"{", params={"x": 1}),
            await rest.get("/v1/batches/none", headers=origin),
            await rest.get("/nowhere", headers=origin),
            await rest.patch("/v1/usage", headers=origin),
            await unknown.get("/v1/usage", headers=origin),
        ]
    assert [answer.status_code for answer in answers] == [200, 200, 400, 415, 404, 404, 405, 401]
    for answer in answers:
        assert allowed_origin(answer) == SITE
        assert "Origin" in answer.headers["vary"]
        assert set(EXPOSED) <= set(answer.headers["access-control-expose-headers"].split(", "))
        assert "access-control-allow-credentials" not in answer.headers


async def test_429_can_be_read_too(gateway: Gateway, anonymous: Client) -> None:
    account = await anonymous.as_account("busy", account_pb2.PLAN_FREE)
    async with gateway.client(account.key) as rest:
        for _ in range(200):  # Of 60; a new minute may begin in between.
            answer = await rest.get("/v1/usage", headers={"Origin": SITE})
            assert allowed_origin(answer) == SITE
            if answer.status_code == 429:
                break
        assert answer.status_code == 429
        assert {"retry-after", "x-ratelimit-reset", "ratelimit", "x-request-id"} <= set(answer.headers)


async def test_a_star_is_for_all(settings: SchedulerSettings, anonymous: Client) -> None:
    account = await anonymous.as_account("star")
    async with running_gateway(settings, cors_origins=("*",)) as gateway, gateway.client(account.key) as rest:
        assert allowed_origin(await preflight(rest, "/v1/batches", OTHER)) == "*"
        answer = await rest.get("/v1/usage", headers={"Origin": OTHER})
        assert allowed_origin(answer) == "*"
        assert "access-control-allow-credentials" not in answer.headers


async def test_off_by_default(settings: SchedulerSettings, anonymous: Client) -> None:
    account = await anonymous.as_account("none")
    async with running_gateway(settings) as gateway, gateway.client(account.key) as rest:
        assert (await preflight(rest, "/v1/batches", SITE)).status_code == 401
        answer = await rest.get("/v1/usage", headers={"Origin": SITE})
        assert not [name for name in answer.headers if name.startswith("access-control-")]

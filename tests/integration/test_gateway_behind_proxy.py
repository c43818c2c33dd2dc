"""The gateway behind proxies: who is believed, what the log says, and addresses that work outside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from ipaddress import ip_network
from typing import Any

import httpx2
import pytest
from structlog.testing import capture_logs

from pressline_client import Client as SdkClient
from services.scheduler.settings import SchedulerSettings
from tests.support.gateway_inside import running_gateway
from tests.support.scheduler import Client, running_scheduler, scheduler_settings
from tests.support.servers import S3Server, UrlServer

HERE = (ip_network("127.0.0.0/8"),)
OUTSIDE = "https://api.example.com/render"
CLIENT = "203.0.113.7"
FORWARDED = {
    "X-Forwarded-For": f"198.51.100.1, {CLIENT}",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "api.example.com",
}


@pytest.fixture(scope="module")
def settings(nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server) -> SchedulerSettings:
    return scheduler_settings(nats_server, mongodb_server, s3_server)


@pytest.fixture(scope="module")
async def account(settings: SchedulerSettings) -> AsyncIterator[Client]:
    async with running_scheduler(settings) as anonymous:
        yield await anonymous.as_account("acme")


async def logged(rest: httpx2.AsyncClient, headers: dict[str, str]) -> dict[str, Any]:
    """The line that one request leaves in the log."""
    with capture_logs() as lines:
        answer = await rest.get("/v1/usage", headers=headers)
    assert answer.status_code == 200, answer.text
    (line,) = [line for line in lines if line["event"] == "request"]
    return dict(line)


async def test_a_trusted_proxy_is_believed(settings: SchedulerSettings, account: Client) -> None:
    async with running_gateway(settings, trusted_proxies=HERE) as gateway, gateway.client(account.key) as rest:
        line = await logged(rest, FORWARDED)
        assert (line["client"], line["scheme"], line["host"]) == (CLIENT, "https", "api.example.com")
        line = await logged(rest, {"X-Forwarded-Proto": "gopher", "X-Forwarded-Host": "a b", "X-Forwarded-For": "x"})
        assert (line["client"], line["scheme"], line["host"]) == ("127.0.0.1", "http", gateway.url[len("http://") :])


@pytest.mark.parametrize("trusted", [(), (ip_network("10.0.0.0/8"),)])
async def test_nobody_else_is(settings: SchedulerSettings, account: Client, trusted: tuple[Any, ...]) -> None:
    """Not even a program on the same machine, which servers of this kind often believe."""
    async with running_gateway(settings, trusted_proxies=trusted) as gateway, gateway.client(account.key) as rest:
        line = await logged(rest, FORWARDED | {"Forwarded": f"for={CLIENT};proto=https;host=api.example.com"})
        assert (line["client"], line["scheme"], line["host"]) == ("127.0.0.1", "http", gateway.url[len("http://") :])


async def test_the_other_standard_header_is_not_read(settings: SchedulerSettings, account: Client) -> None:
    """A proxy that writes one of them hands the other on as its client made it up."""
    async with running_gateway(settings, trusted_proxies=HERE) as gateway, gateway.client(account.key) as rest:
        line = await logged(rest, {"Forwarded": "for=198.51.100.1;proto=https;host=api.example.com"})
        assert (line["client"], line["scheme"]) == ("127.0.0.1", "http")


async def test_routes_are_under_the_base_path_and_without_it(settings: SchedulerSettings, account: Client) -> None:
    async with running_gateway(settings, public_url=OUTSIDE) as gateway, gateway.client(account.key) as rest:
        for path in ("/healthz", "/readyz", "/openapi.json", "/docs", "/v1/usage", "/templates"):
            assert (await rest.get(path)).status_code == 200, path
            assert (await rest.get(f"/render{path}")).status_code == 200, path
        # Refusals keep the form of their API.
        assert (await rest.get("/render/v1/nothing")).json()["error"]["code"] == "NOT_FOUND"
        assert (await rest.get("/render/nothing")).json()["code"] == "NOT_FOUND"
        assert (await rest.get("/rendering/v1/usage")).status_code == 404


async def test_a_key_of_a_call_is_the_same_with_the_base_path_and_without(
    settings: SchedulerSettings, account: Client
) -> None:
    headers, body = {"Idempotency-Key": "one"}, {"items": [{"html": "x"}]}
    async with running_gateway(settings, public_url=OUTSIDE) as gateway, gateway.client(account.key) as rest:
        first = await rest.post("/render/v1/batches", headers=headers, json=body)
        again = await rest.post("/v1/batches", headers=headers, json=body)
        assert (first.status_code, again.headers["idempotent-replayed"]) == (202, "true")
        assert again.content == first.content


async def test_the_python_client_takes_an_address_with_a_path(settings: SchedulerSettings, account: Client) -> None:
    def submit(address: str) -> str:
        with SdkClient(address, account.key) as sdk:
            created = sdk.batches.create([{"data": {}}], defaults={"html": "x"})
            return sdk.batches.get(created.id).id

    async with running_gateway(settings, public_url=OUTSIDE) as gateway, gateway.client(account.key) as rest:
        batch_id = await asyncio.to_thread(submit, f"{gateway.url}/render")
        assert (await rest.get(f"/v1/batches/{batch_id}")).status_code == 200


async def test_links_begin_with_the_public_url(settings: SchedulerSettings, account: Client) -> None:
    outside = running_gateway(settings, public_url=OUTSIDE, render_wait_seconds=0.2)
    async with outside as gateway, gateway.client(account.key) as rest:
        # Nothing renders, so the answer says where to ask.
        answer = await rest.post("/render/v1/generate", json={"html": "x"})
        assert answer.status_code == 202
        assert answer.headers["location"] == f"{OUTSIDE}/v1/generations/{answer.json()['id']}"
        assert (await rest.get("/openapi.json")).json()["servers"] == [{"url": OUTSIDE}]


async def test_without_a_public_url_links_are_paths(settings: SchedulerSettings, account: Client) -> None:
    inside = running_gateway(settings, trusted_proxies=HERE, render_wait_seconds=0.2)
    async with inside as gateway, gateway.client(account.key) as rest:
        answer = await rest.post("/v1/generate", json={"html": "x"}, headers=FORWARDED)
        assert answer.headers["location"] == f"/v1/generations/{answer.json()['id']}"
        assert "servers" not in (await rest.get("/openapi.json")).json()

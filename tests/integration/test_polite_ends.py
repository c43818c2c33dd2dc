"""Servers that stop: callers are told in time, and nothing of theirs is cut off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import httpx2
import pytest

from pressline.account.v1 import account_pb2, account_pb2_grpc
from services.common import rpc
from services.gateway import parting
from tests.support.gateway_inside import Gateway, events_of, running_gateway
from tests.support.ports import free_port
from tests.support.scheduler import running_scheduler, scheduler_settings
from tests.support.servers import S3Server, UrlServer

CALLERS = 20
GRACE_SECONDS = 10
SERVED_SECONDS = 60


class Keys(account_pb2_grpc.AdmissionServiceServicer):
    """Makes keys, a call that nobody repeats by himself."""

    def __init__(self) -> None:
        self.calls = 0

    async def CreateKey(self, _request: Any, _context: Any) -> account_pb2.CreateKeyResponse:  # noqa: N802 - contract
        self.calls += 1
        await asyncio.sleep(0.01)
        return account_pb2.CreateKeyResponse(api_key="key")

    async def until_called(self) -> None:
        seen = self.calls
        async with asyncio.timeout(SERVED_SECONDS):
            while self.calls == seen:
                await asyncio.sleep(0.02)


async def listening(address: str) -> tuple[rpc.Server, Keys]:
    server, keys = rpc.Server(address), Keys()  # type: ignore[abstract]  # nobody calls the others
    account_pb2_grpc.add_AdmissionServiceServicer_to_server(keys, server.grpc)
    await server.start()
    return server, keys


async def call_on(stub: account_pb2_grpc.AdmissionServiceAsyncStub, stop: asyncio.Event) -> list[str]:
    """Call again and again; what failed."""
    failures = []
    while not stop.is_set():
        try:
            await stub.CreateKey(account_pb2.CreateKeyRequest(account_id="a"), timeout=60)
        except grpc.aio.AioRpcError as error:
            failures.append(f"{error.code()}: {error.details()}")
    return failures


async def test_servers_that_leave_and_come_back_fail_no_call() -> None:
    addresses = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    servers = [await listening(address) for address in addresses]
    stop = asyncio.Event()
    async with rpc.channel(",".join(addresses)) as channel:
        stub = account_pb2_grpc.AdmissionServiceStub(channel)
        calling = [asyncio.create_task(call_on(stub, stop)) for _ in range(CALLERS)]
        for place in (0, 1, 0):
            server, keys = servers[place]
            await keys.until_called()
            await server.leave()
            await server.stop(GRACE_SECONDS)
            servers[place] = await listening(addresses[place])
        stop.set()
        failures = [failure for failed in await asyncio.gather(*calling) for failure in failed]
    for server, _ in servers:
        await server.stop(0)
    assert failures == []


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that stands still for a moment closes no connection that has not been used yet."""
    monkeypatch.setattr(parting, "PARTING_SECONDS", 60)


@asynccontextmanager
async def caller(
    nats: UrlServer, mongodb: UrlServer, s3: S3Server
) -> AsyncIterator[tuple[Gateway, httpx2.AsyncClient]]:
    """A gateway, and a client of one connection that has been used."""
    settings = scheduler_settings(nats, mongodb, s3)
    async with running_scheduler(settings) as scheduler, running_gateway(settings) as gateway:
        key = (await scheduler.as_account("polite")).key
        async with gateway.client(key) as client:
            assert "connection" not in (await client.get("/v1/usage")).headers
            yield gateway, client


async def test_a_kept_connection_gets_one_more_answer_and_is_told_that_it_is_the_last(
    nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server
) -> None:
    async with caller(nats_server, mongodb_server, s3_server) as (gateway, client):
        gateway.stop.set()
        answer = await client.get("/v1/usage")
        assert (answer.status_code, answer.headers["connection"]) == (200, "close")
        # Nobody is connected any more, so there is nothing to wait for.
        await asyncio.wait_for(gateway.serving, SERVED_SECONDS)


async def test_readiness_ends_before_service_does(
    nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server
) -> None:
    async with (
        caller(nats_server, mongodb_server, s3_server) as (gateway, client),
        gateway.client("none") as prober,
    ):
        assert (await prober.get("/readyz")).status_code == 200
        gateway.stop.set()
        answer = await prober.get("/readyz")
        assert (answer.status_code, answer.json()["status"]) == (503, "stopping")
        assert (await client.get("/v1/usage")).status_code == 200


async def test_a_stream_that_is_opened_at_the_end_tells_how_things_are(
    nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server
) -> None:
    async with caller(nats_server, mongodb_server, s3_server) as (gateway, client):
        batch = (await client.post("/v1/batches", json={"items": [{"html": "x"}]})).json()["id"]
        gateway.stop.set()
        async with client.stream("GET", f"/v1/batches/{batch}/events") as answer:
            assert answer.status_code == 200
            told = [event async for event in events_of(answer) if not isinstance(event, str)]
    assert [event.data["id"] for event in told] == [batch] * len(told)
    assert told

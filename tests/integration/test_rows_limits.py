"""Limits and failures that all three APIs tell in their own form: the month's renders, places, waiting, faults."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from pressline.account.v1 import account_pb2
from pressline.batch.v1 import batch_pb2
from services.scheduler.intake import Intake
from tests.support.gateway_inside import Gateway, running_gateway
from tests.support.scheduler import Client, ReportingRenderer, running_scheduler, scheduler_settings
from tests.support.servers import S3Server, UrlServer

MONTHLY = 6
SECONDS = 30
PROCESSING, PENDING = batch_pb2.BATCH_STATE_PROCESSING, batch_pb2.BATCH_STATE_PENDING


@dataclass
class World:
    """A scheduler and a gateway in this process; nothing is rendered unless a test begins to."""

    anonymous: Client
    gateway: Gateway
    nats_url: str


@pytest.fixture
async def world(nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server) -> AsyncIterator[World]:
    settings = scheduler_settings(
        nats_server, mongodb_server, s3_server, free_renders_per_month=MONTHLY, template_wait_seconds=0.1
    )
    async with running_scheduler(settings) as anonymous, running_gateway(settings) as gateway:
        yield World(anonymous, gateway, nats_server.url)


async def submit(rest: httpx2.AsyncClient, api: str, rows: int) -> httpx2.Response:
    """A batch of so many rows through one of the APIs."""
    if api == "deckle":
        return await rest.post("/v1/generate/batch", json={"items": [{"html": "<p>x</p>"}] * rows})
    if api == "native":
        return await rest.post("/v1/batches", json={"items": [{"html": "<p>x</p>"}] * rows})
    template = await rest.post("/templates", json={"name": "t", "html": "<p>x</p>", "width": 300, "height": 200})
    return await rest.post(f"/templates/{template.json()['uid']}/batch-render", json={"variableSets": [{}] * rows})


def error_of(answer: httpx2.Response) -> dict[str, Any]:
    """What went wrong, from either form, under the same names."""
    body: dict[str, Any] = answer.json()
    if "error" in body:
        assert answer.headers["content-type"] == "application/json"
        error: dict[str, Any] = body["error"]
        return error
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["status"] == answer.status_code
    return {"code": body["code"], "message": body["detail"]}


@pytest.mark.parametrize("api", ["pictify", "deckle", "native"])
async def test_usage_limit_exceeded_refuses_the_whole_batch_and_names_the_limit(world: World, api: str) -> None:
    client = await world.anonymous.as_account("month", account_pb2.PLAN_FREE)
    async with world.gateway.client(client.key) as rest:
        first = await submit(rest, api, MONTHLY - 1)
        assert first.status_code == 202, first.text
        refused = await submit(rest, api, 2)
        assert (refused.status_code, error_of(refused)["code"]) == (403, "USAGE_LIMIT_EXCEEDED")
        assert f"{MONTHLY} renders a month" in error_of(refused)["message"]
        assert (await submit(rest, api, 1)).status_code == 202
        usage = (await rest.get("/v1/usage")).json()
        assert (usage["limit"], usage["reserved"], usage["remaining"]) == (MONTHLY, MONTHLY, 0)


async def test_usage_of_cancelled_items_is_given_back(world: World) -> None:
    client = await world.anonymous.as_account("refund", account_pb2.PLAN_FREE)
    async with world.gateway.client(client.key) as rest:
        batch = (await submit(rest, "native", MONTHLY)).json()["id"]
        assert (await submit(rest, "deckle", 1)).status_code == 403
        assert (await rest.post(f"/v1/batches/{batch}:cancel")).status_code == 200
        await client.until_ended(batch)
        async with asyncio.timeout(SECONDS):
            while (await rest.get("/v1/usage")).json()["remaining"] != MONTHLY:
                await asyncio.sleep(0.05)
        assert (await submit(rest, "deckle", 1)).status_code == 202


@pytest.mark.parametrize(
    ("plan", "places"),
    [(account_pb2.PLAN_FREE, 1), (account_pb2.PLAN_PRO, 3), (account_pb2.PLAN_BUSINESS, 10)],
)
async def test_concurrent_batches_of_each_plan(world: World, plan: account_pb2.Plan.ValueType, places: int) -> None:
    client = await world.anonymous.as_account("places", plan)
    made = [(await client.submit(1)).batch.id for _ in range(places + 2)]
    await until_states(client, made, [PROCESSING] * places + [PENDING] * 2)
    # A place that becomes free goes to the one that has waited longest.
    await client.cancel(made[0])
    await until_states(client, made[1:], [PROCESSING] * places + [PENDING])


async def test_concurrent_batches_of_enterprise_are_unlimited(world: World) -> None:
    client = await world.anonymous.as_account("unlimited")
    made = [(await client.submit(1)).batch.id for _ in range(25)]
    await until_states(client, made, [PROCESSING] * 25)


async def test_single_renders_take_no_place(world: World) -> None:
    client = await world.anonymous.as_account("single", account_pb2.PLAN_FREE)
    holding = (await client.submit(2)).batch.id
    async with world.gateway.client(client.key) as rest:
        waiting = asyncio.create_task(rest.post("/v1/generate", json={"html": "<p>x</p>"}))
        await until_states(client, [holding], [PROCESSING])
        async with ReportingRenderer(client, world.nats_url).running():
            answer = await waiting
            assert (answer.status_code, answer.json()["status"]) == (200, "completed")


async def until_states(client: Client, ids: list[str], states: list[batch_pb2.BatchState.ValueType]) -> None:
    """Wait until batches are in these states, by their order."""
    async with asyncio.timeout(SECONDS):
        while (found := [(await client.batch(each)).state for each in ids]) != states:
            assert found.count(PROCESSING) <= states.count(PROCESSING)
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("api", ["pictify", "deckle", "native"])
async def test_a_hundred_batches_may_wait_and_the_next_is_429(world: World, api: str) -> None:
    client = await world.anonymous.as_account("patient", account_pb2.PLAN_PRO)
    made = [(await client.submit(1)).batch.id for _ in range(3)]
    await until_states(client, made, [PROCESSING] * 3)
    for _ in range(100):
        await client.submit(1)
    async with world.gateway.client(client.key) as rest:
        refused = await submit(rest, api, 1)
        assert (refused.status_code, error_of(refused)["code"]) == (429, "RATE_LIMITED")
        assert "100 batches" in error_of(refused)["message"]
        assert int(refused.headers["retry-after"]) >= 1
    # Others wait on their own account.
    other = await world.anonymous.as_account("neighbour", account_pb2.PLAN_PRO)
    assert (await other.submit(1)).batch.id


@pytest.mark.parametrize("api", ["pictify", "deckle", "native"])
async def test_internal_error_tells_nothing_of_what_failed(
    world: World, api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_arguments: object) -> None:
        raise RuntimeError("the secret is in the drawer")

    client = await world.anonymous.as_account("unlucky")
    async with world.gateway.client(client.key) as rest:
        monkeypatch.setattr(Intake, "create", broken)
        answer = await submit(rest, api, 1)
        assert (answer.status_code, error_of(answer)["code"]) == (500, "INTERNAL_ERROR")
        assert "drawer" not in answer.text
        assert answer.headers["x-request-id"] in answer.text
        monkeypatch.undo()
        assert (await submit(rest, api, 1)).status_code == 202

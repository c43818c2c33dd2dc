"""Single renders over REST: what their callers are answered, and when."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from services.scheduler.settings import SchedulerSettings
from tests.support.gateway_inside import Gateway, running_gateway
from tests.support.scheduler import Client, ReportingRenderer, running_scheduler

# One is never over while a test runs, the other is at once.
PATIENT_SECONDS, HASTY_SECONDS = 100.0, 0.5


@dataclass
class World:
    """A gateway, a scheduler, and a renderer that answers once the gate is open."""

    client: Client
    gateway: Gateway
    rest: httpx2.AsyncClient
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    errors: list[batch_pb2.ItemError] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def render(self, _task: task_pb2.Task) -> list[batch_pb2.ItemError]:
        self.begun.set()
        await self.gate.wait()
        return self.errors

    async def generate(self, key: str | None = None, **fields: object) -> httpx2.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return await self.rest.post("/v1/generate", json={"html": "<p>x</p>", **fields}, headers=headers)


@pytest.fixture
async def world(settings: SchedulerSettings) -> AsyncIterator[World]:
    """Its gateway waits for renders."""
    async with running_world(settings, PATIENT_SECONDS) as running:
        yield running


@pytest.fixture
async def hasty(settings: SchedulerSettings) -> AsyncIterator[World]:
    """Its gateway hardly waits for renders."""
    async with running_world(settings, HASTY_SECONDS) as running:
        yield running


@asynccontextmanager
async def running_world(settings: SchedulerSettings, wait_seconds: float) -> AsyncIterator[World]:
    async with running_scheduler(settings) as anonymous:
        client = await anonymous.as_account("acme")
        async with (
            running_gateway(settings, render_wait_seconds=wait_seconds) as gateway,
            gateway.client(client.key) as rest,
        ):
            world = World(client, gateway, rest)
            async with ReportingRenderer(client, settings.nats_url, world.render, slots=16).running():
                yield world
                world.gate.set()


async def test_the_answer_comes_when_the_render_ends(world: World) -> None:
    asking = asyncio.create_task(world.generate())
    await asyncio.wait_for(world.begun.wait(), 60)
    assert not asking.done()
    world.gate.set()
    answer = await asking
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    assert "location" not in answer.headers


async def test_over_the_time_limit_it_is_202_with_the_place_to_ask(hasty: World) -> None:
    began = time.monotonic()
    answer = await hasty.generate()
    assert time.monotonic() - began >= HASTY_SECONDS
    body = answer.json()
    assert (answer.status_code, body["status"], body["url"]) == (202, "processing", None)
    assert answer.headers["location"] == f"/v1/generations/{body['id']}"
    assert answer.headers["retry-after"] == "1"
    hasty.gate.set()
    async with asyncio.timeout(60):
        while (await hasty.rest.get(answer.headers["location"])).json()["status"] != "completed":
            await asyncio.sleep(0.05)


async def test_a_gateway_that_stops_does_not_keep_its_callers(world: World) -> None:
    asking = asyncio.create_task(world.generate())
    await asyncio.wait_for(world.begun.wait(), 60)
    world.gateway.stop.set()
    assert (await asking).status_code == 202


async def test_a_repeat_waits_for_the_same_render_and_is_answered_the_same(world: World) -> None:
    first = asyncio.create_task(world.generate("key-1"))
    await asyncio.wait_for(world.begun.wait(), 60)
    second = asyncio.create_task(world.generate("key-1"))
    # Time to wait as well; where it came later it would be answered the same.
    await asyncio.sleep(0.5)
    world.gate.set()
    answers = [await first, await second, await world.generate("key-1")]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert len({answer.content for answer in answers}) == 1
    assert [answer.headers.get("idempotent-replayed") for answer in answers] == [None, "true", "true"]
    other = await world.generate("key-1", html="<p>y</p>")
    assert (other.status_code, other.json()["error"]["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_a_repeat_after_202_brings_the_result(hasty: World) -> None:
    first = await hasty.generate("key-2")
    hasty.gate.set()
    async with asyncio.timeout(60):
        while (await hasty.rest.get(first.headers["location"])).json()["status"] != "completed":
            await asyncio.sleep(0.05)
    again = await hasty.generate("key-2")
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json()["id"] == again.json()["id"]


async def test_a_render_that_fails_is_told_in_the_body(world: World) -> None:
    world.gate.set()
    world.errors = [batch_pb2.ItemError(code="RENDER_TIMEOUT", message="took too long")]
    body = (answer := await world.generate()).json()
    assert (answer.status_code, body["status"], body["url"]) == (200, "failed", None)
    assert body["error"] == {"code": "RENDER_TIMEOUT", "message": "took too long"}


async def test_singles_leave_places_to_batches_and_show_in_no_list(world: World) -> None:
    world.gate.set()
    await world.generate()
    listed = (await world.rest.get("/v1/batches")).json()
    assert listed["data"] == []


async def test_fields_at_fault_are_named_as_in_the_request(world: World) -> None:
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"html": "x" * 5_000_001}, ["html"]),
        ({"template": "tmpl_unknown"}, ["template"]),
        ({"options": {"margin": {"top": "wide"}}}, ["options.margin.top"]),
        ({"html": None}, ["body"]),
    ]
    for fields, paths in cases:
        answer = await world.generate(**fields)
        assert answer.status_code == 400, answer.text
        assert [each["path"] for each in answer.json()["error"]["fields"]] == paths

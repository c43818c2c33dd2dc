"""GET /v1/batches/{id}/events: server-sent events of one batch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from pressline_client import Batch
from pressline_client import Client as SdkClient
from services.gateway import sse
from services.scheduler.settings import SchedulerSettings
from tests.support.gateway_inside import Event, Gateway, events_of, running_gateway
from tests.support.ports import free_port
from tests.support.scheduler import Client, ReportingRenderer, running_scheduler
from tests.support.servers import UrlServer

SECONDS = 60


@dataclass
class System:
    """A gateway and a scheduler, as one account sees them."""

    settings: SchedulerSettings
    scheduler: Client
    gateway: Gateway
    rest: httpx2.AsyncClient
    nats_url: str

    @asynccontextmanager
    async def stream(self, batch_id: str, **headers: str) -> AsyncIterator[httpx2.Response]:
        async with (
            asyncio.timeout(SECONDS),
            self.rest.stream("GET", f"/v1/batches/{batch_id}/events", headers=headers) as answer,
        ):
            yield answer

    def rendering(self) -> ReportingRenderer:
        return ReportingRenderer(self.scheduler, self.nats_url)


@asynccontextmanager
async def running_system(settings: SchedulerSettings, nats_url: str, **gateway: Any) -> AsyncIterator[System]:
    async with (
        running_scheduler(settings) as anonymous,
        running_gateway(settings, **gateway) as rest,
    ):
        scheduler = await anonymous.as_account("acme")
        async with rest.client(scheduler.key) as client:
            yield System(settings, scheduler, rest, client, nats_url)


@pytest.fixture
async def system(settings: SchedulerSettings, nats_server: UrlServer) -> AsyncIterator[System]:
    async with running_system(settings, nats_server.url) as running:
        yield running


async def all_events(answer: httpx2.Response) -> list[Event]:
    return [event async for event in events_of(answer) if isinstance(event, Event)]


async def first_of(events: AsyncIterator[Event | str]) -> Event:
    """The first event. The stream closes when nobody holds `events` any more."""
    event = await anext(events)
    assert isinstance(event, Event)
    return event


async def test_it_shows_progress_and_ends_after_the_end(system: System) -> None:
    batch_id = (await system.scheduler.submit(3)).batch.id
    async with system.stream(batch_id) as answer, system.rendering().running():
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["cache-control"] == "no-cache"
        assert "x-ratelimit-remaining" in answer.headers
        events = await all_events(answer)
    assert {event.name for event in events[:-1]} <= {"progress"}
    assert events[-1].name == "ended"
    assert [event.id for event in events] == sorted({event.id for event in events})
    assert events[-1].data == (await system.rest.get(f"/v1/batches/{batch_id}")).json()
    assert events[-1].data["status"] == "completed"


async def test_last_event_id_resumes(system: System) -> None:
    batch_id = (await system.scheduler.submit(2)).batch.id
    async with system.stream(batch_id) as answer:
        seen = await first_of(events_of(answer))
        assert seen.name == "progress"
    async with system.stream(batch_id, **{"Last-Event-ID": str(seen.id)}) as answer, system.rendering().running():
        rest = await all_events(answer)
    assert all(event.id > seen.id for event in rest)
    assert rest[-1].name == "ended"
    async with system.stream(batch_id, **{"Last-Event-ID": str(rest[-1].id)}) as answer:
        assert answer.status_code == 204
    for other in (str(rest[-2].id if len(rest) > 1 else seen.id), "not a number", str(10**12)):
        async with system.stream(batch_id, **{"Last-Event-ID": other}) as answer:
            assert await all_events(answer) == [rest[-1]]


async def test_silence_is_filled_with_comments(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "KEEP_ALIVE_SECONDS", 0.2)
    batch_id = (await system.scheduler.submit(1)).batch.id
    comments = 0
    async with system.stream(batch_id) as answer:
        async for event in events_of(answer):
            comments += isinstance(event, str)
            if comments == 3:
                break
    assert comments == 3


async def test_a_stopping_gateway_ends_its_streams_at_once(settings: SchedulerSettings, nats_server: UrlServer) -> None:
    loop = asyncio.get_running_loop()
    async with running_system(settings, nats_server.url) as system:
        batch_id = (await system.scheduler.submit(1)).batch.id
        async with system.stream(batch_id) as answer:
            stream = events_of(answer)
            await anext(stream)
            stopping = loop.time()
            system.gateway.stop.set()
            assert [event async for event in stream] == []
        await system.gateway.serving
        assert loop.time() - stopping < 45


async def test_it_survives_a_restart_of_the_scheduler(settings: SchedulerSettings, nats_server: UrlServer) -> None:
    async with AsyncExitStack() as gateways:
        async with running_scheduler(settings) as anonymous:
            gateway = await gateways.enter_async_context(running_gateway(settings))
            account = await anonymous.as_account("acme")
            rest = await gateways.enter_async_context(gateway.client(account.key))
            batch_id = (await account.submit(2)).batch.id
            answer = await gateways.enter_async_context(
                rest.stream("GET", f"/v1/batches/{batch_id}/events", timeout=SECONDS)
            )
            stream = events_of(answer)
            seen = [await anext(stream)]
        async with running_scheduler(settings) as again:
            client = Client(again.public, again.internal, account.key)
            async with asyncio.timeout(SECONDS), ReportingRenderer(client, nats_server.url).running():
                seen += [event async for event in stream]
    events = [event for event in seen if isinstance(event, Event)]
    assert [event.id for event in events] == sorted({event.id for event in events})
    assert events[-1].name == "ended"


async def test_the_python_client_follows_to_the_end_through_a_restart_of_the_gateway(
    settings: SchedulerSettings, nats_server: UrlServer
) -> None:
    address = f"127.0.0.1:{free_port()}"
    seen: list[Batch] = []

    def follow(key: str, batch_id: str) -> None:
        with SdkClient(f"http://{address}", key) as sdk:
            seen.extend(sdk.batches.watch(batch_id))

    async with running_scheduler(settings) as anonymous:
        client = await anonymous.as_account("acme")
        batch_id = (await client.submit(2)).batch.id
        async with running_gateway(settings, gateway_listen=address):
            following = asyncio.create_task(asyncio.to_thread(follow, client.key, batch_id))
            async with asyncio.timeout(SECONDS):
                while not seen:
                    await asyncio.sleep(0.05)
        assert not following.done()
        async with (
            asyncio.timeout(SECONDS),
            running_gateway(settings, gateway_listen=address),
            ReportingRenderer(client, nats_server.url).running(),
        ):
            await following
    progress = [batch.progress for batch in seen]
    assert progress == sorted(progress)
    assert (seen[0].progress, seen[-1].status) == (0, "completed")


async def test_a_reader_that_leaves_frees_its_places(settings: SchedulerSettings, nats_server: UrlServer) -> None:
    one_watcher = settings.model_copy(update={"watchers": 1})
    async with running_system(one_watcher, nats_server.url, event_streams=1) as system:
        batch_id = (await system.scheduler.submit(1)).batch.id
        async with system.stream(batch_id) as answer:
            events = events_of(answer)
            await first_of(events)
            refused = await system.rest.get(f"/v1/batches/{batch_id}/events")
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "SERVICE_UNAVAILABLE")
            assert int(refused.headers["retry-after"]) >= 1
        async with asyncio.timeout(60):
            while True:
                async with system.stream(batch_id) as answer:
                    if answer.status_code == 200:
                        assert (await first_of(events_of(answer))).name == "progress"
                        break
                await asyncio.sleep(0.05)


async def test_too_many_watchers_of_a_scheduler_are_503(settings: SchedulerSettings, nats_server: UrlServer) -> None:
    one_watcher = settings.model_copy(update={"watchers": 1})
    async with running_system(one_watcher, nats_server.url) as system:
        batch_id = (await system.scheduler.submit(1)).batch.id
        async with system.stream(batch_id) as answer:
            events = events_of(answer)
            await first_of(events)
            refused = await system.rest.get(f"/v1/batches/{batch_id}/events")
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "SERVICE_UNAVAILABLE")
        assert int(refused.headers["retry-after"]) >= 1


async def test_an_account_takes_only_its_part_of_the_streams(
    settings: SchedulerSettings, nats_server: UrlServer
) -> None:
    """One more stream than an account may hold is 429, at the gateway as at the scheduler; others are let in."""
    one_each = settings.model_copy(update={"watchers_per_account": 1})
    for scheduler, gateway in ((settings, {"event_streams_per_account": 1}), (one_each, {})):
        async with running_system(scheduler, nats_server.url, **gateway) as system:
            other = await system.scheduler.as_account("other")
            batch_id, theirs = (await system.scheduler.submit(1)).batch.id, (await other.submit(1)).batch.id
            async with system.stream(batch_id) as answer, system.gateway.client(other.key) as rest:
                events = events_of(answer)
                await first_of(events)
                refused = await system.rest.get(f"/v1/batches/{batch_id}/events")
                assert (refused.status_code, refused.json()["error"]["code"]) == (429, "RATE_LIMITED")
                assert int(refused.headers["retry-after"]) >= 1
                async with rest.stream("GET", f"/v1/batches/{theirs}/events") as let_in:
                    assert (await first_of(events_of(let_in))).data["id"] == theirs


async def test_another_accounts_batch_is_404(system: System) -> None:
    batch_id = (await system.scheduler.submit(1)).batch.id
    stranger = await system.scheduler.as_account("stranger")
    async with system.gateway.client(stranger.key) as rest:
        answer = await rest.get(f"/v1/batches/{batch_id}/events")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")

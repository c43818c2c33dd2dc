"""Following batches: through one scheduler or another, from any revision, and with an end to everything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

import grpc
import pytest

from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from services.common import places, rpc
from services.common.errors import Reason
from services.common.hints import Hints
from services.common.rpc_errors import from_rpc_error
from services.scheduler import watch
from tests.support.scheduler import Client, ReportingRenderer, running_scheduler, scheduler_settings
from tests.support.servers import S3Server, UrlServer

Call = grpc.aio.UnaryStreamCall[batch_pb2.WatchBatchRequest, batch_pb2.Batch]


@asynccontextmanager
async def watching(client: Client, batch_id: str, after: int = 0) -> AsyncIterator[Call]:
    request = batch_pb2.WatchBatchRequest(batch_id=batch_id, after_revision=after)
    call = client.batches.WatchBatch(request, metadata=client.auth, timeout=60)
    try:
        yield call
    finally:
        call.cancel()


async def all_of(call: Call) -> list[batch_pb2.Batch]:
    return [batch async for batch in call]


async def refusal_of(call: Call) -> tuple[grpc.StatusCode, Reason, float | None]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await all_of(call)
    error = from_rpc_error(caught.value)
    return caught.value.code(), error.reason, error.retry_after


async def next_of(call: Call, seconds: float = 60) -> batch_pb2.Batch:
    async with asyncio.timeout(seconds):
        batch = await call.read()
    assert isinstance(batch, batch_pb2.Batch)
    return batch


def ended(batch: batch_pb2.Batch) -> int:
    return batch.counts.succeeded + batch.counts.failed + batch.counts.cancelled


@dataclass
class GatedRenderer(ReportingRenderer):
    """Renders as many items as it is let."""

    def __post_init__(self) -> None:
        self.permits = asyncio.Semaphore(0)
        self.render = self._when_permitted

    async def _when_permitted(self, _task: task_pb2.Task) -> list[batch_pb2.ItemError]:
        await self.permits.acquire()
        return []

    def permit(self, items: int) -> None:
        for _ in range(items):
            self.permits.release()


async def test_a_snapshot_comes_first_then_changes_and_the_end_closes_it(
    client: Client, nats_server: UrlServer
) -> None:
    created = await client.submit(3)
    renderer = GatedRenderer(client, nats_server.url)
    async with watching(client, created.batch.id) as call, renderer.running():
        first = await next_of(call)
        assert (first.id, ended(first)) == (created.batch.id, 0)
        renderer.permit(3)
        rest = await asyncio.wait_for(all_of(call), 60)
    seen = [first, *rest]
    assert [batch.revision for batch in seen] == sorted({batch.revision for batch in seen})
    assert [batch.HasField("end_time") for batch in seen] == [False] * len(rest) + [True]
    assert (seen[-1].state, seen[-1].counts.succeeded) == (batch_pb2.BATCH_STATE_COMPLETED, 3)
    assert seen[-1].revision == (await client.batch(created.batch.id)).revision


async def test_a_hint_of_another_scheduler_wakes_at_once(
    nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without hints nothing would be seen before the test gives up.
    monkeypatch.setattr(watch, "POLL_SECONDS", 600)
    settings = scheduler_settings(nats_server, mongodb_server, s3_server)
    own_ports = {"scheduler_listen", "scheduler_internal_listen"}
    shared = {name: getattr(settings, name) for name in type(settings).model_fields if name not in own_ports}
    second_settings = scheduler_settings(nats_server, mongodb_server, s3_server, **shared)
    async with running_scheduler(settings) as one, running_scheduler(second_settings) as two:
        here = await one.as_account("acme")
        there = Client(two.public, two.internal, here.key)
        created = await here.submit(2)
        # Items end at the second scheduler only; the batch is followed at the first.
        renderer = GatedRenderer(there, nats_server.url)
        async with watching(here, created.batch.id) as call, renderer.running():
            await next_of(call)
            renderer.permit(1)
            while ended(await next_of(call)) < 1:
                pass
            renderer.permit(1)
            last = (await asyncio.wait_for(all_of(call), 60))[-1]
        assert last.state == batch_pb2.BATCH_STATE_COMPLETED


async def test_the_end_is_told_however_long_looks_are_apart(
    client: Client, nats_server: UrlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LOOK_SECONDS", 600)
    created = await client.submit(2)
    renderer = GatedRenderer(client, nats_server.url)
    async with watching(client, created.batch.id) as call, renderer.running():
        await next_of(call)
        renderer.permit(1)
        while ended(await next_of(call)) < 1:
            pass
        renderer.permit(1)
        last = (await asyncio.wait_for(all_of(call), 60))[-1]
    assert last.state == batch_pb2.BATCH_STATE_COMPLETED


async def test_without_hints_it_still_sees_everything(
    client: Client, nats_server: UrlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(_self: Hints, _name: str, *, last: bool = False) -> None:
        pass

    monkeypatch.setattr(Hints, "give", lost)
    created = await client.submit(2)
    async with watching(client, created.batch.id) as call, ReportingRenderer(client, nats_server.url).running():
        last = (await asyncio.wait_for(all_of(call), 60))[-1]
    assert last.state == batch_pb2.BATCH_STATE_COMPLETED


async def test_changes_are_at_most_four_a_second_for_all_watchers(client: Client, nats_server: UrlServer) -> None:
    async def slowly(_task: task_pb2.Task) -> list[batch_pb2.ItemError]:
        await asyncio.sleep(0.05)
        return []

    created = await client.submit(60, concurrency=2)
    async with (
        watching(client, created.batch.id) as one,
        watching(client, created.batch.id) as other,
        ReportingRenderer(client, nats_server.url, slowly).running(),
    ):
        began = asyncio.get_running_loop().time()
        seen = await asyncio.wait_for(asyncio.gather(all_of(one), all_of(other)), 60)
        took = asyncio.get_running_loop().time() - began
    for _first, *changes, last in seen:
        assert last.HasField("end_time")
        # The first and the last one come when they are known.
        assert 1 <= len(changes) <= 4 * took + 1


async def test_it_goes_on_after_a_revision(client: Client, nats_server: UrlServer) -> None:
    created = await client.submit(2)
    renderer = GatedRenderer(client, nats_server.url)
    async with renderer.running():
        renderer.permit(1)
        async with watching(client, created.batch.id) as call:
            while ended(seen := await next_of(call)) < 1:
                pass
        async with watching(client, created.batch.id, seen.revision) as call:
            renderer.permit(1)
            rest = await asyncio.wait_for(all_of(call), 60)
    assert all(batch.revision > seen.revision for batch in rest)
    assert rest[-1].state == batch_pb2.BATCH_STATE_COMPLETED
    async with watching(client, created.batch.id, rest[-1].revision) as call:
        assert await asyncio.wait_for(all_of(call), 60) == []
    # A revision that never was does not hide the end.
    async with watching(client, created.batch.id, 10**9) as call:
        assert [batch.revision for batch in await asyncio.wait_for(all_of(call), 60)] == [rest[-1].revision]


async def test_a_cancel_shows_and_then_the_end(client: Client) -> None:
    created = await client.submit(5)
    async with watching(client, created.batch.id) as call:
        await next_of(call)
        await client.cancel(created.batch.id)
        rest = await asyncio.wait_for(all_of(call), 60)
    assert rest[-1].state == batch_pb2.BATCH_STATE_CANCELLED
    assert rest[-1].counts.cancelled == 5


async def test_watchers_are_bounded_and_one_that_leaves_makes_room_at_once(
    nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server
) -> None:
    settings = scheduler_settings(nats_server, mongodb_server, s3_server, watchers=1)
    async with running_scheduler(settings) as anonymous:
        client = await anonymous.as_account("acme")
        batch_id = (await client.submit(1)).batch.id
        async with watching(client, batch_id) as first:
            await next_of(first)
            async with watching(client, batch_id) as second:
                refusal = await refusal_of(second)
            assert refusal == (grpc.StatusCode.UNAVAILABLE, Reason.SERVICE_UNAVAILABLE, places.RETRY_SECONDS)
        async with asyncio.timeout(60):
            while True:
                async with watching(client, batch_id) as third:
                    try:
                        await next_of(third)
                        break
                    except grpc.aio.AioRpcError:
                        await asyncio.sleep(0.02)


async def test_an_account_takes_only_its_part_of_the_places(
    nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server
) -> None:
    settings = scheduler_settings(nats_server, mongodb_server, s3_server, watchers=3, watchers_per_account=2)
    async with running_scheduler(settings) as anonymous, AsyncExitStack() as calls:
        greedy, other = await anonymous.as_account("greedy"), await anonymous.as_account("other")
        batch_id = (await greedy.submit(1)).batch.id
        for _ in range(2):
            await next_of(await calls.enter_async_context(watching(greedy, batch_id)))
        async with watching(greedy, batch_id) as call:
            refusal = await refusal_of(call)
        assert refusal == (grpc.StatusCode.RESOURCE_EXHAUSTED, Reason.RATE_LIMITED, places.RETRY_SECONDS)
        async with watching(other, (await other.submit(1)).batch.id) as call:
            await next_of(call)


async def test_a_stopping_scheduler_ends_its_streams_at_once(
    nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server
) -> None:
    loop = asyncio.get_running_loop()
    settings = scheduler_settings(nats_server, mongodb_server, s3_server)
    # Its channel is open until the scheduler has stopped.
    async with rpc.channel(settings.scheduler_listen) as channel, AsyncExitStack() as calls:
        async with running_scheduler(settings) as anonymous:
            client = replace(await anonymous.as_account("acme"), public=channel)
            created = await client.submit(1)
            call = await calls.enter_async_context(watching(client, created.batch.id))
            await next_of(call)
            refused = asyncio.create_task(refusal_of(call))
            stopping = loop.time()
        code, reason, _ = await refused
        assert (code, reason) == (grpc.StatusCode.UNAVAILABLE, Reason.SERVICE_UNAVAILABLE)
        assert loop.time() - stopping < 45


async def test_strangers_and_unknown_batches_are_refused(client: Client) -> None:
    created = await client.submit(1)
    stranger = await client.as_account("stranger")
    async with watching(stranger, created.batch.id) as call:
        assert (await refusal_of(call))[1] is Reason.NOT_FOUND
    async with watching(client, "batch_unknown") as call:
        assert (await refusal_of(call))[1] is Reason.NOT_FOUND

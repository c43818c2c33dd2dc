"""What becomes of results, objects and records when their time is over, by a clock that the tests set."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import grpc
import pytest

from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from services.common.bus import Bus
from services.common.errors import Reason
from services.common.rpc_errors import from_rpc_error
from services.scheduler import clock, removal, usage
from services.scheduler.parts import Parts
from services.scheduler.removal import RECHECK_MS, TOMBSTONE_MS
from tests.support.kept import GONE_WITHIN_SECONDS, World, keeping, reason_of, until_removed
from tests.support.servers import S3Server, UrlServer

LEASE_OVER_MS = 46_000
WEEK_MS = 7 * clock.DAY_MS


@pytest.fixture
async def world(nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server) -> AsyncIterator[World]:
    async with keeping(nats_server, mongodb_server, s3_server) as kept:
        yield kept


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Stops the clock at a time."""

    def stop_at(milliseconds: int) -> None:
        monkeypatch.setattr(clock, "now_ms", lambda: milliseconds)

    return stop_at


async def claimed(world: World, item_id: str) -> task_pb2.Task:
    """The task of an item, once it can be claimed."""
    async with asyncio.timeout(GONE_WITHIN_SECONDS):
        while True:
            answer = await world.client.tasks.ClaimTask(task_pb2.ClaimTaskRequest(item_id=item_id, worker="w"))
            if answer.WhichOneof("outcome") == "task":
                return answer.task
            await asyncio.sleep(0.1)


async def store(world: World, task: task_pb2.Task, content: bytes) -> str:
    key = task.renders[0].object_key
    await world.blobs.put(key, content, "image/png")
    return key


def completed(task: task_pb2.Task) -> task_pb2.CompleteTaskRequest:
    output = batch_pb2.Output(format=batch_pb2.FORMAT_PNG)
    stored = task_pb2.StoredOutput(object_key=task.renders[0].object_key, output=output)
    return task_pb2.CompleteTaskRequest(lease=task.lease, outputs=[stored])


async def until_no_objects(world: World, batch_id: str) -> None:
    async with asyncio.timeout(GONE_WITHIN_SECONDS):
        while await world.objects(batch_id):
            await asyncio.sleep(0.1)


async def collections_with(world: World, batch_id: str) -> set[str]:
    """Names of the collections in which anything mentions a batch or an item of it."""
    word, kept = batch_id.removeprefix("batch_"), world.database._database
    found = set()
    for name in await kept.list_collection_names():
        async for document in kept[name].find():
            if word in repr(document):
                found.add(name)
    return found


async def test_results_are_gone_to_everybody_the_moment_they_expire(
    nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server, set_clock: Callable[[int], None]
) -> None:
    """Nobody sweeps meanwhile: what is read decides, not what is left."""
    async with keeping(nats_server, mongodb_server, s3_server, sweep_seconds=60) as world:
        created = await world.ended()
        expires_ms = (await world.client.batch(created.batch.id)).expire_time.ToMilliseconds()
        assert expires_ms == created.batch.create_time.ToMilliseconds() + WEEK_MS
        set_clock(expires_ms - 1)
        assert (await world.client.items(created.batch.id))[0].outputs
        listing = batch_pb2.ListBatchesRequest()
        assert len((await world.client.batches.ListBatches(listing, metadata=world.client.auth)).batches) == 1
        set_clock(expires_ms)
        assert [await reason_of(read) for read in world.reads(created, world.client)] == [Reason.GONE] * 6
        assert not (await world.client.batches.ListBatches(listing, metadata=world.client.auth)).batches
        assert len(await world.objects(created.batch.id)) == 4


async def test_what_lost_renderers_stored_goes_with_the_batch(world: World, set_clock: Callable[[int], None]) -> None:
    """One died before it reported; one was only slow, and stores once more after it was replaced."""
    began = clock.now_ms()
    created = await world.client.submit(1)
    item_id = created.item_ids[0]
    attempts = []
    for number in range(3):
        set_clock(began + number * LEASE_OVER_MS)
        attempts.append(await claimed(world, item_id))
    died, slow, won = attempts
    keys = [await store(world, task, f"attempt {task.lease.attempt}".encode()) for task in (died, slow, won)]
    await world.client.tasks.CompleteTask(completed(won))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await world.client.tasks.CompleteTask(completed(slow))
    assert from_rpc_error(refused.value).reason is Reason.STALE_ATTEMPT
    await store(world, slow, b"too late")
    await world.client.until_ended(created.batch.id)
    assert sorted(await world.objects(created.batch.id)) == sorted(keys)
    assert len(set(keys)) == 3
    assert await world.blobs.get(keys[-1]) == b"attempt 3"
    (item,) = await world.client.items(created.batch.id)
    assert keys[-1] in item.outputs[0].url
    set_clock(began + WEEK_MS + 60_000)
    await until_removed(world, created.batch.id)
    assert await world.objects(created.batch.id) == []


async def test_an_output_that_comes_after_the_second_look_goes_with_the_tombstone(
    world: World, set_clock: Callable[[int], None]
) -> None:
    created = await world.ended()
    batch_id, removed_ms = created.batch.id, clock.now_ms()
    await world.delete(batch_id)
    set_clock(removed_ms + 2 * RECHECK_MS)
    async with asyncio.timeout(GONE_WITHIN_SECONDS):
        while await world.stores.tombstones.to_recheck(clock.now_ms(), 1):
            await asyncio.sleep(0.1)
    await world.blobs.put(f"acme/{batch_id}/{created.item_ids[0]}/9.png", b"x", "image/png")
    set_clock(removed_ms + TOMBSTONE_MS + 60_000)
    await until_no_objects(world, batch_id)
    async with asyncio.timeout(GONE_WITHIN_SECONDS):
        while await reason_of(world.client.batch(batch_id)) is not Reason.NOT_FOUND:
            await asyncio.sleep(0.1)


async def test_no_record_outlives_its_time(world: World, set_clock: Callable[[int], None]) -> None:
    """A webhook that nobody sends is owed until the tombstone goes; the month's use is kept for two months."""
    created = await world.ended(webhook_url="https://example.com/hook")
    batch_id, began = created.batch.id, clock.now_ms()
    assert {"batches", "items", "requests"} < await collections_with(world, batch_id)

    async def left(after_ms: int, expected: set[str]) -> None:
        set_clock(began + after_ms)
        async with asyncio.timeout(GONE_WITHIN_SECONDS):
            while await collections_with(world, batch_id) != expected:
                await asyncio.sleep(0.2)

    await left(WEEK_MS + 60_000, {"deliveries", "events", "ledger", "tombstones"})
    await left(WEEK_MS + TOMBSTONE_MS + 120_000, {"ledger"})
    await left(usage.LEDGER_KEPT_MS + 60_000, set())


async def test_a_round_removes_so_many_and_the_next_ones_the_others(
    nats_server: UrlServer,
    mongodb_server: UrlServer,
    s3_server: S3Server,
    set_clock: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(removal, "ROUND_BATCHES", 1)
    async with keeping(nats_server, mongodb_server, s3_server, sweep_seconds=60) as world:
        batches = [(await world.ended(1)).batch.id for _ in range(3)]
        set_clock(clock.now_ms() + WEEK_MS)
        bus = await Bus.connect(world.settings.nats_url, "remover")
        remover = Parts(world.settings, world.database, world.blobs, bus).remover
        left = []
        for _ in range(3):
            await remover.sweep()
            there = [await world.stores.batches.get(batch_id) for batch_id in batches]
            left.append(sum(batch is not None for batch in there))
        await bus.close()
        assert left == [2, 1, 0]
        assert [await world.objects(batch_id) for batch_id in batches] == [[]] * 3

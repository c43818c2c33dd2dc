"""Batches that their owners delete, and batches whose results expire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from pressline.account.v1 import account_pb2
from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from services.common.errors import Reason
from services.scheduler import clock
from services.scheduler.removal import RECHECK_MS, TAKE_UP_MS, TOMBSTONE_MS
from tests.support.kept import GONE_WITHIN_SECONDS, World, keeping, reason_of, until_removed
from tests.support.servers import S3Server, UrlServer


@pytest.fixture
async def world(nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server) -> AsyncIterator[World]:
    async with keeping(nats_server, mongodb_server, s3_server) as kept:
        yield kept


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets the clock forward by so many milliseconds from the real time."""
    real = clock.now_ms

    def forward(milliseconds: int) -> None:
        monkeypatch.setattr(clock, "now_ms", lambda: real() + milliseconds)

    return forward


async def test_a_deleted_batch_leaves_nothing_but_a_tombstone(world: World) -> None:
    created, other = await world.ended(3, webhook_url="https://example.com/hook"), await world.ended()
    batch_id = created.batch.id
    assert len(await world.objects(batch_id)) == 6
    await world.delete(batch_id)
    assert await world.objects(batch_id) == []
    assert await world.stores.items.live(list(created.item_ids)) == []
    assert await world.stores.batches.get(batch_id) is None
    assert len(await world.objects(other.batch.id)) == 4
    assert (await world.client.batch(other.batch.id)).counts.succeeded == 2


async def test_what_is_gone_is_gone_to_its_owner_and_unknown_to_others(world: World) -> None:
    created = await world.ended()
    await world.delete(created.batch.id)
    stranger = await world.client.as_account("stranger")
    assert [await reason_of(read) for read in world.reads(created, world.client)] == [Reason.GONE] * 6
    assert [await reason_of(read) for read in world.reads(created, stranger)] == [Reason.NOT_FOUND] * 6
    assert await reason_of(world.delete(created.batch.id, stranger)) is Reason.NOT_FOUND
    await world.delete(created.batch.id)
    listed = await world.client.batches.ListBatches(batch_pb2.ListBatchesRequest(), metadata=world.client.auth)
    assert not listed.batches


async def test_a_running_batch_is_not_deleted(world: World) -> None:
    created = await world.client.submit(2)
    assert await reason_of(world.delete(created.batch.id)) is Reason.CONFLICT
    await world.client.cancel(created.batch.id)
    await world.client.until_ended(created.batch.id)
    await world.delete(created.batch.id)
    assert await reason_of(world.client.batch(created.batch.id)) is Reason.GONE


async def test_deleting_a_batch_gives_no_renders_back(world: World) -> None:
    created = await world.ended(2)
    await world.delete(created.batch.id)
    usage = await world.client.account.GetUsage(account_pb2.GetUsageRequest(), metadata=world.client.auth)
    assert (usage.monthly_use.used, usage.monthly_use.reserved) == (2, 0)


async def test_a_webhook_that_is_owed_outlives_its_batch(world: World) -> None:
    created = await world.ended(webhook_url="https://example.com/hook")
    await world.delete(created.batch.id)
    assert [row["state"] for row in await world.stores.deliveries.of_batch(created.batch.id)] == ["pending"]


async def test_results_expire_after_seven_days_and_are_forgotten_after_thirty_more(
    world: World, later: Callable[[int], None]
) -> None:
    created = await world.ended(webhook_url="https://example.com/hook")
    running = await world.client.submit(1)
    expires_ms = (await world.client.batch(created.batch.id)).expire_time.ToMilliseconds()
    assert expires_ms - created.batch.create_time.ToMilliseconds() == 7 * clock.DAY_MS
    later(7 * clock.DAY_MS - 60_000)
    await asyncio.sleep(1.5)
    assert len(await world.objects(created.batch.id)) == 4
    assert (await world.client.items(created.batch.id))[0].outputs[0].url
    later(7 * clock.DAY_MS + 60_000)
    assert await reason_of(world.client.batch(created.batch.id)) is Reason.GONE
    await until_removed(world, created.batch.id)
    assert await world.objects(created.batch.id) == []
    assert (await world.client.batch(running.batch.id)).counts.total == 1
    later(7 * clock.DAY_MS + TOMBSTONE_MS - 60_000)
    assert await reason_of(world.client.batch(created.batch.id)) is Reason.GONE
    later(7 * clock.DAY_MS + TOMBSTONE_MS + 120_000)
    async with asyncio.timeout(GONE_WITHIN_SECONDS):
        while await reason_of(world.client.batch(created.batch.id)) is not Reason.NOT_FOUND:
            await asyncio.sleep(0.1)
    assert await world.stores.deliveries.of_batch(created.batch.id) == []


async def test_the_document_that_was_rendered_goes_with_the_last_batch_that_used_it(
    world: World, later: Callable[[int], None]
) -> None:
    created = await world.ended()
    item = await world.stores.items.get(created.item_ids[0])
    assert item is not None
    render = task_pb2.Render.FromString(item["renders"][0])
    assert await world.stores.sources.get(render.source_id) is not None
    later(9 * clock.DAY_MS)
    async with asyncio.timeout(GONE_WITHIN_SECONDS):
        while await world.stores.sources.get(render.source_id) is not None:
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("steps_done", range(5))
async def test_a_removal_that_broke_off_is_finished(
    world: World, later: Callable[[int], None], steps_done: int
) -> None:
    """Whoever removed the batch died after so many steps."""
    created = await world.ended()
    batch_id, now = created.batch.id, clock.now_ms()
    batch = await world.stores.batches.get(batch_id)
    assert batch is not None
    steps: list[Callable[[], Awaitable[object]]] = [
        lambda: world.stores.batches.begin_removal(batch_id, now),
        lambda: world.blobs.delete_some(f"acme/{batch_id}/{created.item_ids[0]}"),
        lambda: world.stores.items.delete_of(batch_id),
        lambda: world.stores.deliveries.delete_ended(batch_id),
        lambda: world.stores.tombstones.put(batch, now, now + RECHECK_MS),
    ]
    for step in steps[: steps_done + 1]:
        await step()
    assert [await reason_of(read) for read in world.reads(created, world.client)] == [Reason.GONE] * 6
    later(2 * TAKE_UP_MS)
    await until_removed(world, batch_id)
    assert await world.objects(batch_id) == []
    assert await world.stores.items.live(list(created.item_ids)) == []
    assert await reason_of(world.client.batch(batch_id)) is Reason.GONE


async def test_an_output_that_comes_late_is_deleted_as_well(world: World, later: Callable[[int], None]) -> None:
    created = await world.ended()
    await world.delete(created.batch.id)
    await world.blobs.put(f"acme/{created.batch.id}/{created.item_ids[0]}/2.png", b"x", "image/png")
    later(2 * RECHECK_MS)
    async with asyncio.timeout(GONE_WITHIN_SECONDS):
        while await world.objects(created.batch.id):
            await asyncio.sleep(0.1)
    async with asyncio.timeout(GONE_WITHIN_SECONDS):
        while await world.stores.tombstones.to_recheck(clock.now_ms(), 10):
            await asyncio.sleep(0.1)

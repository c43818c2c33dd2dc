"""Batches that their owners delete, and batches whose results expire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import grpc
import pytest
from minio import Minio

from pressline.account.v1 import account_pb2
from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from pressline.webhook.v1 import webhook_pb2
from services.common import ids
from services.common.blobs import BlobStore
from services.common.errors import Reason
from services.common.rpc_errors import from_rpc_error
from services.scheduler import clock
from services.scheduler.removal import RECHECK_MS, TAKE_UP_MS, TOMBSTONE_MS
from services.scheduler.store.database import Database
from services.scheduler.stores import Stores
from tests.support.scheduler import Client, ReportingRenderer, running_scheduler, scheduler_settings
from tests.support.servers import S3Server, UrlServer

GONE_WITHIN_SECONDS = 60


@dataclass
class World:
    """A scheduler with what it keeps."""

    client: Client
    stores: Stores
    blobs: BlobStore
    nats_url: str
    s3: S3Server

    async def ended(self, rows: int = 2, **fields: Any) -> batch_pb2.CreateBatchResponse:
        """A batch that has ended, each item with an object of each of two attempts."""

        async def store(task: task_pb2.Task) -> list[batch_pb2.ItemError]:
            for render in task.renders:
                for key in (render.object_key, render.object_key.replace("/1", "/0")):
                    await self.blobs.put(key, b"x", "image/png")
            return []

        async with ReportingRenderer(self.client, self.nats_url, store).running():
            created = await self.client.submit(rows, **fields)
            await self.client.until_ended(created.batch.id)
        return created

    async def objects(self, batch_id: str) -> list[str]:
        return await objects(self.s3, f"acme/{batch_id}/")

    async def delete(self, batch_id: str, client: Client | None = None) -> None:
        caller = client or self.client
        await caller.batches.DeleteBatch(batch_pb2.DeleteBatchRequest(batch_id=batch_id), metadata=caller.auth)

    def reads(self, created: batch_pb2.CreateBatchResponse, client: Client) -> list[Awaitable[object]]:
        """Every way to read something of a batch."""
        batch_id, auth = created.batch.id, client.auth
        return [
            client.batch(batch_id),
            client.items(batch_id),
            client.cancel(batch_id),
            client.batches.GetItem(batch_pb2.GetItemRequest(item_id=created.item_ids[0]), metadata=auth),
            client.batches.WaitItem(batch_pb2.WaitItemRequest(item_id=created.item_ids[0]), metadata=auth),
            client.webhooks.ListDeliveries(webhook_pb2.ListDeliveriesRequest(batch_id=batch_id), metadata=auth),
        ]


@pytest.fixture
async def world(nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server) -> AsyncIterator[World]:
    settings = scheduler_settings(nats_server, mongodb_server, s3_server)
    database, blobs = Database(settings.mongodb_url, settings.mongodb_database), BlobStore(settings)
    async with running_scheduler(settings) as anonymous:
        yield World(await anonymous.as_account("acme"), Stores.of(database), blobs, nats_server.url, s3_server)
    await blobs.close()
    await database.close()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets the clock forward by so many milliseconds from the real time."""
    real = clock.now_ms

    def forward(milliseconds: int) -> None:
        monkeypatch.setattr(clock, "now_ms", lambda: real() + milliseconds)

    return forward


async def objects(s3: S3Server, prefix: str) -> list[str]:
    """What the store holds, asked without our own client."""
    client = Minio(urlsplit(s3.url).netloc, s3.access_key, s3.secret_key, secure=False)
    return await asyncio.to_thread(
        lambda: [str(each.object_name) for each in client.list_objects(s3.bucket, prefix, recursive=True)]
    )


async def reason_of(call: Awaitable[object]) -> Reason:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return from_rpc_error(caught.value).reason


async def until_removed(world: World, batch_id: str) -> None:
    async with asyncio.timeout(GONE_WITHIN_SECONDS):
        while await world.stores.batches.get(batch_id) is not None:
            await asyncio.sleep(0.1)


async def test_a_deleted_batch_leaves_nothing_but_a_tombstone(world: World) -> None:
    created, other = await world.ended(3, webhook_url="https://example.com/hook"), await world.ended()
    batch_id = created.batch.id
    assert len(await world.objects(batch_id)) == 6
    await world.delete(batch_id)
    assert await world.objects(batch_id) == []
    assert await world.stores.items.get_many(list(created.item_ids)) == []
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
    render = task_pb2.Render.FromString((await world.stores.items.get_many(created.item_ids))[0]["renders"][0])
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
    assert await world.stores.items.get_many(list(created.item_ids)) == []
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


async def test_deleting_by_prefix_goes_page_by_page_and_touches_nothing_else(world: World) -> None:
    mine, other = f"acme/{ids.new('batch')}", f"acme/{ids.new('batch')}"
    keys = [f"{mine}/{i}.png" for i in range(1005)] + [f"{other}/0.png"]
    for start in range(0, len(keys), 50):
        await asyncio.gather(*(world.blobs.put(key, b"x", "image/png") for key in keys[start : start + 50]))
    pages = 0
    while await world.blobs.delete_some(f"{mine}/"):
        pages += 1
    assert pages == 2
    assert await objects(world.s3, f"{mine}/") == []
    assert await objects(world.s3, f"{other}/") == [f"{other}/0.png"]

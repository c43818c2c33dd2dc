"""A scheduler with what it keeps: its database, its objects, and a clock that tests set."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import grpc
import pytest
from minio import Minio

from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from pressline.webhook.v1 import webhook_pb2
from services.common.blobs import BlobStore
from services.common.errors import Reason
from services.common.rpc_errors import from_rpc_error
from services.scheduler.settings import SchedulerSettings
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
    database: Database
    blobs: BlobStore
    settings: SchedulerSettings
    s3: S3Server

    async def ended(self, rows: int = 2, **fields: Any) -> batch_pb2.CreateBatchResponse:
        """A batch that has ended, each item with an object of each of two attempts."""

        async def store(task: task_pb2.Task) -> list[batch_pb2.ItemError]:
            for render in task.renders:
                for key in (render.object_key, render.object_key.replace("/1", "/0")):
                    await self.blobs.put(key, b"x", "image/png")
            return []

        async with ReportingRenderer(self.client, self.settings.nats_url, store).running():
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


@asynccontextmanager
async def keeping(nats: UrlServer, mongodb: UrlServer, s3: S3Server, **changes: object) -> AsyncIterator[World]:
    """A scheduler with a database of its own, called as one account."""
    settings = scheduler_settings(nats, mongodb, s3, **changes)
    database, blobs = Database(settings.mongodb_url, settings.mongodb_database), BlobStore(settings)
    async with running_scheduler(settings) as anonymous:
        yield World(await anonymous.as_account("acme"), Stores.of(database), database, blobs, settings, s3)
    await blobs.close()
    await database.close()


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

"""Outputs that come back inside JSON, of any size."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass

import grpc
import httpx2
import pytest

from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from services.common.blobs import BlobStore
from services.common.errors import Reason
from services.common.rpc_errors import from_rpc_error
from services.scheduler.settings import SchedulerSettings
from tests.support.gateway_inside import running_gateway
from tests.support.scheduler import Client, ReportingRenderer, running_scheduler

# The most that an output may have.
LARGEST = 100_000_000
PDF = batch_pb2.OutputSpec(format=batch_pb2.FORMAT_PDF)


@dataclass
class World:
    """A gateway and a scheduler in this process."""

    client: Client
    rest: httpx2.AsyncClient
    blobs: BlobStore

    async def generation(self, content: bytes) -> str:
        """The id of a finished generation whose output is wanted as base64."""
        item = batch_pb2.ItemSpec(source=batch_pb2.Source(html="x"), output=PDF, inline_data=True)
        spec = batch_pb2.BatchSpec(dialect=batch_pb2.DIALECT_DECKLE)
        item_id = (await self.client.submit_items(spec, [item])).item_ids[0]
        task = await self._claimed(item_id)
        key = task.renders[0].object_key
        await self.blobs.put(key, content, "application/pdf")
        output = batch_pb2.Output(format=batch_pb2.FORMAT_PDF, pages=1, size_bytes=len(content))
        stored = task_pb2.StoredOutput(object_key=key, output=output)
        await self.client.tasks.CompleteTask(task_pb2.CompleteTaskRequest(lease=task.lease, outputs=[stored]))
        return item_id

    async def _claimed(self, item_id: str) -> task_pb2.Task:
        async with asyncio.timeout(60):
            while True:
                request = task_pb2.ClaimTaskRequest(item_id=item_id, worker="by hand")
                answer = await self.client.tasks.ClaimTask(request)
                if answer.WhichOneof("outcome") == "task":
                    return answer.task
                await asyncio.sleep(0.05)

    async def part(self, item_id: str, offset: int, size: int, client: Client | None = None) -> bytes:
        caller = client or self.client
        request = batch_pb2.ReadOutputRequest(item_id=item_id, offset=offset, size=size)
        return (await caller.batches.ReadOutput(request, metadata=caller.auth)).data


@pytest.fixture
async def world(settings: SchedulerSettings) -> AsyncIterator[World]:
    blobs = BlobStore(settings)
    async with running_scheduler(settings) as anonymous:
        client = await anonymous.as_account("acme")
        async with running_gateway(settings) as gateway, gateway.client(client.key) as rest:
            yield World(client, rest, blobs)
    await blobs.close()


@pytest.mark.parametrize("size", [1, 1024 * 1024, 1024 * 1024 + 1, 3 * 1024 * 1024 + 2, LARGEST])
async def test_an_output_of_any_size_comes_back_whole(world: World, size: int) -> None:
    content = os.urandom(size)
    item_id = await world.generation(content)
    answer = await world.rest.get(f"/v1/generations/{item_id}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    body = json.loads(answer.content)
    assert base64.b64decode(body.pop("data"), validate=True) == content
    assert (body["status"], body["url"], body["file_size"]) == ("completed", None, size)


async def test_messages_stay_small_whatever_the_output(world: World) -> None:
    item_id = await world.generation(b"x" * (1024 * 1024 + 1))
    item = await world.client.batches.GetItem(batch_pb2.GetItemRequest(item_id=item_id), metadata=world.client.auth)
    assert item.data == b""


async def test_parts_of_an_output(world: World) -> None:
    content = os.urandom(3_000_000)
    item_id = await world.generation(content)
    assert await world.part(item_id, 0, 10) == content[:10]
    assert await world.part(item_id, 2_999_990, 100) == content[-10:]
    assert await world.part(item_id, 5, 0) == content[5 : 5 + 1024 * 1024]
    assert await world.part(item_id, 3_000_000, 10) == b""


async def test_who_may_read_which_part(world: World, settings: SchedulerSettings) -> None:
    item_id = await world.generation(b"secret")
    stranger = await world.client.as_account("stranger")
    async with ReportingRenderer(world.client, settings.nats_url).running():
        by_url = (await world.client.submit(1)).item_ids[0]
    for caller, wanted, offset, size, reason in [
        (stranger, item_id, 0, 1, Reason.NOT_FOUND),
        (world.client, by_url, 0, 1, Reason.NOT_FOUND),
        (world.client, item_id, -1, 1, Reason.VALIDATION_ERROR),
        (world.client, item_id, 0, 8 * 1024 * 1024 + 1, Reason.VALIDATION_ERROR),
    ]:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await world.part(wanted, offset, size, caller)
        assert from_rpc_error(caught.value).reason is reason

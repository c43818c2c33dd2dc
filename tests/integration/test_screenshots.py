"""Pictures of failed pages, as the scheduler hands them out: signed, their owner's alone, and gone with the batch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc
import httpx2
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from services.common.blobs import BlobStore
from services.scheduler.settings import SchedulerSettings
from tests.support.scheduler import Client

SECONDS = 60
PICTURE = b"\xff\xd8 a page"


@pytest.fixture
async def blobs(settings: SchedulerSettings) -> AsyncIterator[BlobStore]:
    store = BlobStore(settings)
    yield store
    await store.close()


async def claimed(client: Client, item_id: str) -> task_pb2.Task:
    """The item's task, once it is offered."""
    async with asyncio.timeout(SECONDS):
        while True:
            answer = await client.tasks.ClaimTask(task_pb2.ClaimTaskRequest(item_id=item_id, worker="test"))
            if answer.HasField("task"):
                return answer.task
            await asyncio.sleep(0.1)


async def failed(client: Client, blobs: BlobStore) -> batch_pb2.CreateBatchResponse:
    """A batch of one item that failed, with a picture."""
    created = await client.submit(1)
    task = await claimed(client, created.item_ids[0])
    (render,) = task.renders
    await blobs.put(render.screenshot_key, PICTURE, "image/jpeg")
    error = batch_pb2.ItemError(code="TEMPLATE_ERROR", message="no")
    screenshot = task_pb2.Screenshot(object_key=render.screenshot_key)
    report = task_pb2.FailTaskRequest(lease=task.lease, errors=[error], screenshots=[screenshot])
    await client.tasks.FailTask(report)
    await client.until_ended(created.batch.id)
    return created


def fetched(url: str) -> tuple[int, bytes]:
    answer = httpx2.get(url, trust_env=False, timeout=SECONDS)
    return answer.status_code, answer.content


async def test_every_reader_of_an_item_gets_the_same_signed_address(anonymous: Client, blobs: BlobStore) -> None:
    client = await anonymous.as_account("acme")
    created = await failed(client, blobs)
    (listed,) = await client.items(created.batch.id)
    (error,) = listed.errors
    assert (error.code, list(listed.outputs)) == ("TEMPLATE_ERROR", [])
    assert await asyncio.to_thread(fetched, error.screenshot_url) == (200, PICTURE)
    # Without what it is signed with it opens to nobody.
    status, _ = await asyncio.to_thread(fetched, error.screenshot_url.partition("?")[0])
    assert status == 403
    item_id = created.item_ids[0]
    one = await client.batches.GetItem(batch_pb2.GetItemRequest(item_id=item_id), metadata=client.auth)
    waited = await client.batches.WaitItem(batch_pb2.WaitItemRequest(item_id=item_id), metadata=client.auth)
    assert one.errors == waited.errors == listed.errors


async def test_a_mask_asks_for_it_or_leaves_it_out(anonymous: Client, blobs: BlobStore) -> None:
    client = await anonymous.as_account("acme")
    created = await failed(client, blobs)

    async def found(*paths: str) -> list[batch_pb2.ItemError]:
        mask, batch_id = FieldMask(paths=paths), created.batch.id
        listed = await client.batches.ListItems(
            batch_pb2.ListItemsRequest(batch_id=batch_id, read_mask=mask), metadata=client.auth
        )
        everywhere = await client.batches.ListAccountItems(
            batch_pb2.ListAccountItemsRequest(batch_id=batch_id, read_mask=mask), metadata=client.auth
        )
        assert listed.items == everywhere.items
        return list(listed.items[0].errors)

    assert await found("errors.code") == [batch_pb2.ItemError(code="TEMPLATE_ERROR")]
    (error,) = await found("errors.screenshot_url")
    assert (error.code, error.screenshot_url.startswith("http")) == ("", True)
    assert await found("outputs.url") == []


async def test_it_is_nobody_elses_and_goes_with_its_batch(anonymous: Client, blobs: BlobStore) -> None:
    owner, stranger = await anonymous.as_account("acme"), await anonymous.as_account("other")
    created, other = await failed(owner, blobs), await failed(owner, blobs)
    request = batch_pb2.GetItemRequest(item_id=created.item_ids[0])
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stranger.batches.GetItem(request, metadata=stranger.auth)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    urls = [(await owner.items(each.batch.id))[0].errors[0].screenshot_url for each in (created, other)]
    assert f"/acme/{created.batch.id}/{created.item_ids[0]}/" in urls[0]
    await owner.batches.DeleteBatch(batch_pb2.DeleteBatchRequest(batch_id=created.batch.id), metadata=owner.auth)
    async with asyncio.timeout(SECONDS):
        while (await asyncio.to_thread(fetched, urls[0]))[0] != 404:
            await asyncio.sleep(0.1)
    assert await asyncio.to_thread(fetched, urls[1]) == (200, PICTURE)

"""Single renders: they go through the queue like a batch of one, and their caller waits."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from pressline.account.v1 import account_pb2
from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from pressline.webhook.v1 import webhook_pb2
from services.common.errors import Reason
from services.common.rpc_errors import from_rpc_error
from tests.support.scheduler import Client, ReportingRenderer, running_scheduler, scheduler_settings
from tests.support.servers import S3Server, UrlServer


async def wait(client: Client, item_id: str, seconds: float) -> batch_pb2.Item:
    request = batch_pb2.WaitItemRequest(item_id=item_id, timeout=Duration(nanos=0))
    request.timeout.FromMilliseconds(int(seconds * 1000))
    return await client.batches.WaitItem(request, metadata=client.auth, timeout=seconds + 20)


async def test_a_wait_ends_with_the_item(client: Client, nats_server: UrlServer) -> None:
    gate = asyncio.Event()

    async def render_late(_task: task_pb2.Task) -> list[batch_pb2.ItemError]:
        await gate.wait()
        return []

    async with ReportingRenderer(client, nats_server.url, render_late).running():
        created = await client.submit(1, single=True)
        early = await wait(client, created.item_ids[0], 0.2)
        assert early.state not in {batch_pb2.ITEM_STATE_SUCCEEDED, batch_pb2.ITEM_STATE_FAILED}
        waiting = [asyncio.create_task(wait(client, created.item_ids[0], 30)) for _ in range(3)]
        await asyncio.sleep(0.1)
        assert not any(task.done() for task in waiting)
        gate.set()
        began = time.monotonic()
        items = await asyncio.gather(*waiting)
    # Long before the wait would have ended by itself.
    assert time.monotonic() - began < 25
    assert {item.state for item in items} == {batch_pb2.ITEM_STATE_SUCCEEDED}
    assert items[0].outputs[0].url == items[2].outputs[0].url != ""


async def test_a_wait_sees_an_item_end_that_nobody_told_of(client: Client) -> None:
    created = await client.submit(1, single=True)
    waiting = asyncio.create_task(wait(client, created.item_ids[0], 30))
    await asyncio.sleep(0.1)
    await client.cancel(created.batch.id)
    async with asyncio.timeout(60):
        assert (await waiting).state == batch_pb2.ITEM_STATE_CANCELLED


async def test_singles_take_no_place_and_do_not_wait_for_one(client: Client, nats_server: UrlServer) -> None:
    free = await client.as_account("small", account_pb2.PLAN_FREE)
    blocked = [(await free.submit(1)).batch.id for _ in range(3)]
    singles = [await free.submit(1, single=True) for _ in range(3)]
    async with asyncio.timeout(60):
        while (await free.batch(singles[-1].batch.id)).state != batch_pb2.BATCH_STATE_PROCESSING:
            await asyncio.sleep(0.05)
    states = [(await free.batch(batch_id)).state for batch_id in blocked]
    assert states[1:] == [batch_pb2.BATCH_STATE_PENDING] * 2
    usage = await free.account.GetUsage(account_pb2.GetUsageRequest(), metadata=free.auth)
    assert usage.running_batches == 1
    async with ReportingRenderer(free, nats_server.url).running():
        for single in singles:
            assert (await wait(free, single.item_ids[0], 20)).state == batch_pb2.ITEM_STATE_SUCCEEDED


async def test_waiting_batches_do_not_keep_singles_out(
    nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server
) -> None:
    settings = scheduler_settings(nats_server, mongodb_server, s3_server, waiting_batches=1)
    async with running_scheduler(settings) as anonymous:
        client = await anonymous.as_account("small", account_pb2.PLAN_FREE)
        first = await client.submit(1)
        async with asyncio.timeout(60):
            while (await client.batch(first.batch.id)).state != batch_pb2.BATCH_STATE_PROCESSING:
                await asyncio.sleep(0.05)
        for _ in range(3):
            await client.submit(1, single=True)
        await client.submit(1)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client.submit(1)
        assert from_rpc_error(caught.value).reason is Reason.RATE_LIMITED
        await client.submit(1, single=True)


async def test_singles_are_not_announced(client: Client, nats_server: UrlServer) -> None:
    async with ReportingRenderer(client, nats_server.url).running():
        single = await client.submit(1, single=True)
        batch = await client.submit(1, webhook_url="https://example.com/hook")
        await client.until_ended(single.batch.id)
        await client.until_ended(batch.batch.id)
    request = webhook_pb2.ListDeliveriesRequest(batch_id=single.batch.id)
    assert not (await client.webhooks.ListDeliveries(request, metadata=client.auth)).deliveries
    listed = await client.batches.ListBatches(batch_pb2.ListBatchesRequest(), metadata=client.auth)
    assert [each.id for each in listed.batches] == [batch.batch.id]


@pytest.mark.parametrize(
    ("rows", "fields", "path"),
    [(2, {}, "items"), (1, {"webhook_url": "https://example.com/hook"}, "spec.webhook_url")],
)
async def test_a_single_is_one_item_without_webhook(
    client: Client, rows: int, fields: dict[str, Any], path: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.submit(rows, single=True, **fields)
    assert [violation.path for violation in from_rpc_error(caught.value).violations] == [path]


async def test_who_may_wait_for_what(client: Client) -> None:
    created = await client.submit(1, single=True)
    stranger = await client.as_account("stranger")
    for caller, item_id, seconds, reason in [
        (stranger, created.item_ids[0], 1.0, Reason.NOT_FOUND),
        (client, "gen_unknown", 1.0, Reason.NOT_FOUND),
        (client, created.item_ids[0], 61.0, Reason.VALIDATION_ERROR),
    ]:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await wait(caller, item_id, seconds)
        assert from_rpc_error(caught.value).reason is reason

"""A retry that breaks off after any of its steps: the same key finishes it, or the sweep leaves nothing of it."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from pymongo.errors import PyMongoError

from pressline.batch.v1 import batch_pb2
from pressline.template.v1 import template_pb2
from services.common.errors import Reason
from services.common.rpc_errors import from_rpc_error
from services.scheduler import intake, once
from services.scheduler.store.batches import Batches
from services.scheduler.store.database import Database
from services.scheduler.store.idempotency import Idempotency
from services.scheduler.store.items import Items
from services.scheduler.store.requests import Requests
from services.scheduler.store.templates import Sources
from tests.support.scheduler import Client, ReportingRenderer
from tests.support.servers import UrlServer

# More than two chunks.
ROWS = 1_100
STEPS = [
    (Sources, "put"),
    (Batches, "insert_creating"),
    (Requests, "put"),
    (Items, "insert"),
    (Batches, "commit"),
    (Idempotency, "finish"),
]


async def failed_batch(client: Client, nats_url: str, rows: int = ROWS) -> str:
    """A batch of rows that do not fit their template, so that nothing of it is rendered."""
    declared = [template_pb2.Variable(name="name", type=template_pb2.VARIABLE_TYPE_NUMBER)]
    content = template_pb2.TemplateContent(html="<p>{{name}}</p>", variables=declared)
    async with ReportingRenderer(client, nats_url).running():
        request = template_pb2.CreateTemplateRequest(content=content)
        template = await client.templates.CreateTemplate(request, metadata=client.auth)
    return (await client.submit(rows, source=batch_pb2.Source(template_id=template.id))).batch.id


async def retry(client: Client, batch_id: str, key: str) -> batch_pb2.CreateBatchResponse:
    idempotency = batch_pb2.IdempotencyKey(key=key, scope="retry", fingerprint=b"f")
    request = batch_pb2.RetryBatchRequest(batch_id=batch_id, idempotency=idempotency)
    return await client.batches.RetryBatch(request, metadata=client.auth, timeout=60)


def break_once(monkeypatch: pytest.MonkeyPatch, store: type, step: str) -> None:
    """Let a step of a store fail the first time, as it does when the database goes away."""
    whole = getattr(store, step)
    broken: list[bool] = []

    async def breaking(*arguments: Any) -> Any:
        if not broken:
            broken.append(True)
            raise PyMongoError("gone")
        return await whole(*arguments)

    monkeypatch.setattr(store, step, breaking)


@pytest.mark.parametrize(("store", "step"), STEPS)
async def test_the_same_key_finishes_what_broke_off(
    client: Client, nats_server: UrlServer, monkeypatch: pytest.MonkeyPatch, store: type, step: str
) -> None:
    old = await failed_batch(client, nats_server.url)
    # What a dead process leaves is leased for a while.
    monkeypatch.setattr(once, "LEASE_MS", -1)
    break_once(monkeypatch, store, step)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await retry(client, old, "k")
    assert from_rpc_error(caught.value).reason is Reason.SERVICE_UNAVAILABLE
    made = await retry(client, old, "k")
    batch = await client.until_ended(made.batch.id)
    assert (batch.counts.total, batch.counts.failed) == (ROWS, ROWS)
    assert list((await client.batch(old)).retried_by) == [batch.id]
    items = [*await client.items(batch.id), *await rest_of(client, batch.id)]
    assert [item.retry_of for item in items] == [item_id_of(old, index) for index in range(ROWS)]


async def rest_of(client: Client, batch_id: str) -> list[batch_pb2.Item]:
    request = batch_pb2.ListItemsRequest(batch_id=batch_id, page_size=1_000, from_index=1_000)
    return list((await client.batches.ListItems(request, metadata=client.auth)).items)


def item_id_of(batch_id: str, index: int) -> str:
    return f"gen_{batch_id.removeprefix('batch_')}{index:05d}"


async def test_what_nobody_finishes_is_swept_away(
    client: Client, nats_server: UrlServer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = await failed_batch(client, nats_server.url, 3)
    monkeypatch.setattr(intake, "CREATE_LEASE_MS", 0)
    break_once(monkeypatch, Batches, "commit")
    with pytest.raises(grpc.aio.AioRpcError):
        await retry(client, old, "k")
    async with asyncio.timeout(60):
        for name in ("batches", "items", "requests"):
            while await count_of_others(database, name, old):
                await asyncio.sleep(0.05)
    assert not (await client.batch(old)).retried_by


async def count_of_others(database: Database, name: str, old: str) -> int:
    """Documents that are not those of a batch."""
    rows = await database.collection(name).find({}, {"batch_id": 1}).to_list(None)
    return sum(row.get("batch_id", row["_id"]) != old for row in rows)


async def test_deleting_a_batch_leaves_nothing_of_what_it_was_asked_for(
    client: Client, nats_server: UrlServer, database: Database
) -> None:
    old = await failed_batch(client, nats_server.url, 3)
    assert await database.collection("requests").find_one({"_id": old})
    await client.batches.DeleteBatch(batch_pb2.DeleteBatchRequest(batch_id=old), metadata=client.auth)
    async with asyncio.timeout(60):
        while await database.collection("requests").find_one({"_id": old}):
            await asyncio.sleep(0.05)

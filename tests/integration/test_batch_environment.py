"""Time zone, locale and clock of a batch, from submit to the renderers that claim its items."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from pressline.batch.v1 import batch_pb2
from pressline.batch.v1.batch_pb2 import Environment
from pressline.task.v1 import task_pb2
from services.common.rpc_errors import from_rpc_error
from tests.support.scheduler import Client, ReportingRenderer
from tests.support.servers import UrlServer


async def claimed(client: Client, nats: UrlServer, batch_id: str) -> list[task_pb2.Task]:
    """The tasks of a batch's items as renderers were given them."""
    tasks: list[task_pb2.Task] = []

    async def note(task: task_pb2.Task) -> list[batch_pb2.ItemError]:
        tasks.append(task)
        return []

    async with ReportingRenderer(client, nats.url, note).running():
        await client.until_ended(batch_id)
    return tasks


async def test_renderers_are_told_what_was_submitted(client: Client, nats_server: UrlServer) -> None:
    given = Environment(
        timezone="Asia/Tokyo", locale="ja-JP", clock=Timestamp(seconds=1_772_355_600, nanos=250_999_999)
    )
    created = await client.submit(3, environment=given)
    kept = Environment(timezone="Asia/Tokyo", locale="ja-JP", clock=Timestamp(seconds=1_772_355_600, nanos=250_000_000))
    assert created.batch.environment == kept
    assert (await client.batch(created.batch.id)).environment == kept
    tasks = await claimed(client, nats_server, created.batch.id)
    assert [task.environment for task in tasks] == [kept] * 3


async def test_without_an_environment_there_are_defaults_and_the_time_of_the_submit(
    client: Client, nats_server: UrlServer
) -> None:
    created = await client.submit(3)
    assert created.batch.environment == Environment(timezone="UTC", locale="en-US")
    tasks = await claimed(client, nats_server, created.batch.id)
    assert [task.environment for task in tasks] == [created.batch.environment] * 3
    assert [task.batch_create_time for task in tasks] == [created.batch.create_time] * 3


async def test_a_second_attempt_has_the_same_clock(client: Client) -> None:
    created = await client.submit(1, environment=Environment(locale="de-DE"))
    first = await claim(client, created.item_ids[0])
    await client.tasks.ReleaseTask(task_pb2.ReleaseTaskRequest(lease=first.lease, reason="test"))
    second = await claim(client, created.item_ids[0])
    assert second.lease.attempt == 2
    assert (second.environment, second.batch_create_time) == (first.environment, first.batch_create_time)


async def test_a_retry_keeps_what_was_asked_for(client: Client, nats_server: UrlServer) -> None:
    async def fail(_task: task_pb2.Task) -> list[batch_pb2.ItemError]:
        return [batch_pb2.ItemError(code="TEMPLATE_ERROR", message="no")]

    given = Environment(timezone="Asia/Tokyo", locale="ja-JP", clock=Timestamp(seconds=1_772_355_600))
    created = await client.submit(2, environment=given)
    async with ReportingRenderer(client, nats_server.url, fail).running():
        await client.until_ended(created.batch.id)
    request = batch_pb2.RetryBatchRequest(batch_id=created.batch.id)
    again = await client.batches.RetryBatch(request, metadata=client.auth)
    assert again.batch.environment == given
    assert [task.environment for task in await claimed(client, nats_server, again.batch.id)] == [given] * 2


async def claim(client: Client, item_id: str) -> task_pb2.Task:
    """Claim an item once it is dispatched."""
    async with asyncio.timeout(60):
        while True:
            answer = await client.tasks.ClaimTask(task_pb2.ClaimTaskRequest(item_id=item_id, worker="by hand"))
            if answer.WhichOneof("outcome") == "task":
                return answer.task
            await asyncio.sleep(0.05)


async def test_what_cannot_be_is_refused_with_its_field(client: Client) -> None:
    wrong = Environment(timezone="Moon", locale="de_DE", clock=Timestamp(seconds=-1))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.submit(1, environment=wrong)
    paths = [violation.path for violation in from_rpc_error(caught.value).violations]
    assert paths == ["spec.environment.timezone", "spec.environment.locale", "spec.environment.clock"]

"""How much may be unfinished, and what a caller is told of the queue."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from pressline.account.v1 import account_pb2
from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from services.common.errors import PresslineError, Reason
from services.common.rpc_errors import from_rpc_error
from services.scheduler.admission import MOST_SECONDS, UNMEASURED_SECONDS
from services.scheduler.settings import SchedulerSettings
from services.scheduler.throughput import LEAST_BUSY_SECONDS
from tests.support.gateway_inside import running_gateway
from tests.support.scheduler import Client, ReportingRenderer, scheduler_settings
from tests.support.servers import S3Server, UrlServer

SECONDS = 60
PROCESSING = batch_pb2.BATCH_STATE_PROCESSING


@pytest.fixture
def settings(nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server) -> SchedulerSettings:
    bounds = {"waiting_batches": 3, "account_unfinished_items": 20, "unfinished_items": 35}
    return scheduler_settings(nats_server, mongodb_server, s3_server, **bounds)


async def refusal_of(submit: Awaitable[object]) -> PresslineError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await submit
    return from_rpc_error(caught.value)


async def until_processing(client: Client, batch_id: str) -> None:
    async with asyncio.timeout(SECONDS):
        while (await client.batch(batch_id)).state != PROCESSING:
            await asyncio.sleep(0.05)


async def test_items_of_an_account_and_of_all_are_bounded(anonymous: Client, settings: SchedulerSettings) -> None:
    one, two, three = [await anonymous.as_account(name) for name in ("one", "two", "three")]
    # What finds nothing before it is accepted whatever its size.
    large = (await one.submit(22)).batch.id
    refused = await refusal_of(one.submit(1))
    assert (refused.reason, refused.retry_after) == (Reason.RATE_LIMITED, UNMEASURED_SECONDS)
    assert "22 of at most 20" in refused.message
    await two.submit(10)
    refused = await refusal_of(three.submit(4))
    assert (refused.reason, refused.retry_after) == (Reason.SERVICE_UNAVAILABLE, UNMEASURED_SECONDS)
    await three.submit(3)
    async with running_gateway(settings) as gateway, gateway.client(three.key) as rest:
        answer = await rest.post("/v1/batches", json={"items": [{"html": "<p>x</p>"}]})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, str(int(UNMEASURED_SECONDS)))
        await one.cancel(large)
        async with asyncio.timeout(SECONDS):
            while answer.status_code != 202:
                answer = await rest.post("/v1/batches", json={"items": [{"html": "<p>x</p>"}]})
        await until_processing(three, answer.json()["id"])
        shown = (await rest.get(f"/v1/batches/{answer.json()['id']}")).json()
        # One of the account's other batch, and two of the other account.
        assert (shown["queue_position"], shown["estimated_finish_at"]) == (3, None)


async def test_batches_that_wait_are_bounded_exactly_when_many_come_at_once(anonymous: Client) -> None:
    client = await anonymous.as_account("small", account_pb2.PLAN_FREE)
    await until_processing(client, (await client.submit(1)).batch.id)
    answers = await asyncio.gather(*(client.submit(1) for _ in range(12)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
    assert len(refused) == 9
    assert {from_rpc_error(error).reason for error in refused} == {Reason.RATE_LIMITED}


async def test_items_that_come_at_once_do_not_exceed_the_bound(anonymous: Client) -> None:
    client = await anonymous.as_account("eager")
    answers = await asyncio.gather(*(client.submit(6) for _ in range(10)), return_exceptions=True)
    assert sum(1 for answer in answers if not isinstance(answer, BaseException)) == 3


async def test_a_repeated_call_is_answered_although_there_is_no_room_any_more(anonymous: Client) -> None:
    client = await anonymous.as_account("again")
    key = batch_pb2.IdempotencyKey(key="k", scope="s", fingerprint=b"f")
    first = await client.submit(20, idempotency=key)
    assert (await refusal_of(client.submit(1))).reason is Reason.RATE_LIMITED
    assert (await client.submit(20, idempotency=key)).batch.id == first.batch.id


async def test_when_to_try_again_follows_from_what_was_measured(anonymous: Client, settings: SchedulerSettings) -> None:
    client = await anonymous.as_account("steady", account_pb2.PLAN_FREE)
    seen, over = iter(range(10)), asyncio.Event()

    async def render(_task: task_pb2.Task) -> list[batch_pb2.ItemError]:
        if next(seen):
            await over.wait()
        else:
            await asyncio.sleep(LEAST_BUSY_SECONDS + 0.1)
        return []

    running = (await client.submit(10, concurrency=1)).batch.id
    await until_processing(client, running)
    for _ in range(3):
        await client.submit(1)
    assert (await refusal_of(client.submit(1))).retry_after == UNMEASURED_SECONDS
    async with ReportingRenderer(client, settings.nats_url, render).running():
        async with asyncio.timeout(SECONDS):
            while not (batch := await client.batch(running)).HasField("estimated_end_time"):
                await asyncio.sleep(0.05)
        refused = await refusal_of(client.submit(1))
        over.set()
    # Nine items are left of which none takes less than the first one did.
    assert refused.retry_after is not None
    assert 9 <= refused.retry_after <= MOST_SECONDS
    assert refused.retry_after != UNMEASURED_SECONDS
    assert batch.estimated_end_time.ToMilliseconds() >= batch.create_time.ToMilliseconds() + 9_000


async def test_places_in_the_queue(anonymous: Client, settings: SchedulerSettings) -> None:
    one, two = [await anonymous.as_account(name) for name in ("one", "two")]
    large, small = (await one.submit(15)).batch, (await two.submit(3)).batch
    await until_processing(two, small.id)
    # The small one takes turns with the large one, which has more than it needs.
    seen = await two.batch(small.id)
    assert (seen.queue_position, seen.HasField("estimated_end_time")) == (3, False)
    assert (await one.batch(large.id)).queue_position == 3
    request = batch_pb2.GetBatchRequest(batch_id=small.id, read_mask=FieldMask(paths=["id"]))
    masked = await two.batches.GetBatch(request, metadata=two.auth)
    assert not masked.HasField("queue_position")
    async with ReportingRenderer(one, settings.nats_url).running():
        ended = [await one.until_ended(large.id), await two.until_ended(small.id)]
    assert not any(batch.HasField("queue_position") or batch.HasField("estimated_end_time") for batch in ended)

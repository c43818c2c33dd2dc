"""Batches through the scheduler, NATS and the database, with a renderer that only reports."""

from __future__ import annotations

import asyncio

import grpc
import pytest

from pressline.account.v1 import account_pb2
from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from pressline.webhook.v1 import webhook_pb2
from services.common.errors import Reason
from services.common.rpc_errors import from_rpc_error
from tests.support.scheduler import (
    HTML,
    PNG,
    Client,
    ReportingRenderer,
    running_scheduler,
    scheduler_settings,
)
from tests.support.servers import S3Server, UrlServer


async def reason_of(call: object) -> Reason:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call  # type: ignore[misc]
    return from_rpc_error(caught.value).reason


async def test_every_item_is_rendered_once_and_the_batch_completes(client: Client, nats_server: UrlServer) -> None:
    renderer = ReportingRenderer(client, nats_server.url)
    async with renderer.running():
        created = await client.submit(40)
        assert created.batch.state == batch_pb2.BATCH_STATE_PENDING
        assert len(set(created.item_ids)) == 40
        batch = await client.until_ended(created.batch.id)
    assert batch.state == batch_pb2.BATCH_STATE_COMPLETED
    assert (batch.counts.total, batch.counts.succeeded) == (40, 40)
    assert sorted(renderer.claimed) == sorted(created.item_ids)
    items = await client.items(created.batch.id)
    assert [item.index for item in items] == list(range(40))
    assert all(item.state == batch_pb2.ITEM_STATE_SUCCEEDED and item.attempts == 1 for item in items)


async def test_failed_rows_make_a_batch_partial(client: Client, nats_server: UrlServer) -> None:
    async def fail_odd(task: task_pb2.Task) -> list[batch_pb2.ItemError]:
        odd = int(task.lease.item_id[-5:]) % 2
        return [batch_pb2.ItemError(code="TEMPLATE_ERROR", message="name is missing")] if odd else []

    async with ReportingRenderer(client, nats_server.url, fail_odd).running():
        created = await client.submit(6)
        batch = await client.until_ended(created.batch.id)
    assert batch.state == batch_pb2.BATCH_STATE_PARTIAL
    assert (batch.counts.succeeded, batch.counts.failed) == (3, 3)
    failed = (await client.items(created.batch.id))[1]
    assert failed.errors[0].code == "TEMPLATE_ERROR"


async def test_concurrency_bounds_the_items_in_flight(client: Client, nats_server: UrlServer) -> None:
    running = most = 0
    both = asyncio.Event()

    async def count(_task: task_pb2.Task) -> list[batch_pb2.ItemError]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 2:
            both.set()
        await both.wait()
        await asyncio.sleep(0.05)
        running -= 1
        return []

    async with ReportingRenderer(client, nats_server.url, count, slots=8).running():
        created = await client.submit(12, concurrency=2)
        await client.until_ended(created.batch.id)
    assert most == 2


async def test_batches_beyond_the_plan_wait_in_order(client: Client, nats_server: UrlServer) -> None:
    free = await client.as_account("small", account_pb2.PLAN_FREE)
    first, second, third = [(await free.submit(2)).batch.id for _ in range(3)]
    async with asyncio.timeout(60):
        while (await free.batch(first)).state != batch_pb2.BATCH_STATE_PROCESSING:
            await asyncio.sleep(0.05)
    assert (await free.batch(second)).state == batch_pb2.BATCH_STATE_PENDING
    async with ReportingRenderer(client, nats_server.url).running():
        ended = [await free.until_ended(batch_id) for batch_id in (first, second, third)]
    ends = [batch.end_time.ToMilliseconds() for batch in ended]
    starts = [batch.start_time.ToMilliseconds() for batch in ended]
    assert ends[0] <= starts[1]
    assert ends[1] <= starts[2]


async def test_plan_limits_the_items_of_a_batch(client: Client) -> None:
    free = await client.as_account("limited", account_pb2.PLAN_FREE)
    assert await reason_of(free.submit(11)) is Reason.PLAN_LIMIT_EXCEEDED


async def test_cancel_shows_at_once_and_fences_renderers_out(client: Client, nats_server: UrlServer) -> None:
    holding, cancelled = asyncio.Event(), asyncio.Event()
    refused: list[Reason] = []

    async def hold(task: task_pb2.Task) -> list[batch_pb2.ItemError]:
        holding.set()
        await cancelled.wait()
        report = client.tasks.CompleteTask(task_pb2.CompleteTaskRequest(lease=task.lease))
        refused.append(await reason_of(report))
        raise asyncio.CancelledError

    async with ReportingRenderer(client, nats_server.url, hold, slots=1).running():
        created = await client.submit(30)
        await asyncio.wait_for(holding.wait(), 60)
        answer = await client.cancel(created.batch.id)
        assert answer.state == batch_pb2.BATCH_STATE_CANCELLED
        assert answer.counts.cancelled == 30
        await client.until_ended(created.batch.id)
        cancelled.set()
        batch = await client.until_ended(created.batch.id)
        async with asyncio.timeout(60):
            while not refused:
                await asyncio.sleep(0.05)
    assert batch.state == batch_pb2.BATCH_STATE_CANCELLED
    assert batch.counts.cancelled == 30
    assert refused[0] is Reason.STALE_ATTEMPT
    assert (await client.cancel(created.batch.id)).state == batch_pb2.BATCH_STATE_CANCELLED


async def test_a_finished_batch_cannot_be_cancelled(client: Client, nats_server: UrlServer) -> None:
    async with ReportingRenderer(client, nats_server.url).running():
        created = await client.submit(1)
        await client.until_ended(created.batch.id)
    assert await reason_of(client.cancel(created.batch.id)) is Reason.CONFLICT


async def test_an_idempotency_key_makes_one_batch(client: Client) -> None:
    key = batch_pb2.IdempotencyKey(key="run-1", scope="POST /v1/batches", fingerprint=b"same")
    answers = await asyncio.gather(*(client.submit(3, idempotency=key) for _ in range(10)), return_exceptions=True)
    made = [answer for answer in answers if isinstance(answer, batch_pb2.CreateBatchResponse)]
    refused = [answer for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
    assert len({answer.batch.id for answer in made}) == 1
    assert sum(not answer.replayed for answer in made) == 1
    assert {from_rpc_error(answer).reason for answer in refused} <= {Reason.CONFLICT}
    again = await client.submit(3, idempotency=key)
    assert again.replayed
    assert again.batch == made[0].batch
    key.fingerprint = b"other"
    assert await reason_of(client.submit(3, idempotency=key)) is Reason.IDEMPOTENCY_KEY_REUSED


async def test_a_refused_submit_does_not_use_its_key_up(client: Client) -> None:
    free = await client.as_account("thrifty", account_pb2.PLAN_FREE)
    key = batch_pb2.IdempotencyKey(key="run-2", scope="POST /v1/batches", fingerprint=b"x")
    assert await reason_of(free.submit(11, idempotency=key)) is Reason.PLAN_LIMIT_EXCEEDED
    assert not (await free.submit(2, idempotency=key)).replayed


async def test_all_violations_are_named(client: Client) -> None:
    spec = batch_pb2.BatchSpec(dialect=batch_pb2.DIALECT_NATIVE, source=HTML, output=PNG, concurrency=11)
    items = [batch_pb2.ItemSpec(data_json=b"[1]"), batch_pb2.ItemSpec(source=batch_pb2.Source())]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.submit_items(spec, items)
    error = from_rpc_error(caught.value)
    assert error.reason is Reason.VALIDATION_ERROR
    assert [item.path for item in error.violations] == [
        "spec.concurrency",
        "items[0].data_json",
        "items[1].source",
    ]


async def test_other_accounts_see_nothing(client: Client) -> None:
    created = await client.submit(1)
    stranger = await client.as_account("stranger")
    assert await reason_of(stranger.batch(created.batch.id)) is Reason.NOT_FOUND
    assert await reason_of(stranger.cancel(created.batch.id)) is Reason.NOT_FOUND
    request = batch_pb2.GetItemRequest(item_id=created.item_ids[0])
    assert await reason_of(stranger.batches.GetItem(request, metadata=stranger.auth)) is Reason.NOT_FOUND


async def test_keys_and_the_service_token_are_checked(client: Client) -> None:
    nobody = Client(client.public, client.internal, "pk_live_wrong")
    assert await reason_of(nobody.batch("batch_x")) is Reason.UNAUTHORIZED
    tokenless = Client(client.public, client.public, client.key)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await tokenless.tasks.ClaimTask(task_pb2.ClaimTaskRequest(item_id="gen_x"))
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_an_expired_lease_is_taken_over_and_the_late_result_refused(
    nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server
) -> None:
    settings = scheduler_settings(nats_server, mongodb_server, s3_server, lease_seconds=10)
    async with running_scheduler(settings) as anonymous:
        client = await anonymous.as_account("acme")
        created = await client.submit(1)
        first = await _claim(client, created.item_ids[0])
        refused = await client.tasks.ClaimTask(task_pb2.ClaimTaskRequest(item_id=created.item_ids[0]))
        assert 0 < refused.leased_elsewhere.remaining.ToMilliseconds() <= 10_000
        async with ReportingRenderer(client, nats_server.url).running():
            batch = await client.until_ended(created.batch.id, 120)
        assert batch.state == batch_pb2.BATCH_STATE_COMPLETED
        late = client.tasks.CompleteTask(task_pb2.CompleteTaskRequest(lease=first.lease))
        assert await reason_of(late) is Reason.STALE_ATTEMPT
        assert (await client.items(created.batch.id))[0].attempts == 2


async def test_reporting_twice_is_no_error(client: Client) -> None:
    created = await client.submit(1)
    task = await _claim(client, created.item_ids[0])
    for _ in range(2):
        await client.tasks.CompleteTask(task_pb2.CompleteTaskRequest(lease=task.lease))
    assert (await client.until_ended(created.batch.id)).counts.succeeded == 1


async def test_three_crashes_fail_an_item_and_only_that_one(client: Client, nats_server: UrlServer) -> None:
    created = await client.submit(2)
    for _ in range(3):
        task = await _claim(client, created.item_ids[0])
        release = task_pb2.ReleaseTaskRequest(lease=task.lease, reason="browser gone", crashed=True)
        await client.tasks.ReleaseTask(release)
    async with ReportingRenderer(client, nats_server.url).running():
        batch = await client.until_ended(created.batch.id)
    assert batch.state == batch_pb2.BATCH_STATE_PARTIAL
    assert (await client.items(created.batch.id))[0].errors[0].code == "RENDERER_CRASHED"


async def test_the_end_of_a_batch_becomes_one_delivery(client: Client, nats_server: UrlServer) -> None:
    async with ReportingRenderer(client, nats_server.url).running():
        created = await client.submit(2, webhook_url="https://example.com/hook")
        await client.until_ended(created.batch.id)
    due: list[webhook_pb2.DueDelivery] = []
    async with asyncio.timeout(60):
        # They are made just after the batch has ended.
        while not due:
            due = await _lease_deliveries(client)
    assert [delivery.url for delivery in due] == ["https://example.com/hook"]
    assert due[0].secrets[0].startswith("whsec_")
    attempt = webhook_pb2.Attempt(status_code=200)
    record = webhook_pb2.RecordAttemptRequest(
        id=due[0].id, token=due[0].token, attempt=attempt, state=webhook_pb2.DELIVERY_STATE_DELIVERED
    )
    for _ in range(2):
        await client.deliveries.RecordAttempt(record)
    request = webhook_pb2.ListDeliveriesRequest(batch_id=created.batch.id)
    listed = (await client.webhooks.ListDeliveries(request, metadata=client.auth)).deliveries
    assert [(one.state, len(one.attempts)) for one in listed] == [(webhook_pb2.DELIVERY_STATE_DELIVERED, 1)]
    assert not await _lease_deliveries(client)


async def _claim(client: Client, item_id: str) -> task_pb2.Task:
    """Claim an item once it is dispatched."""
    async with asyncio.timeout(60):
        while True:
            answer = await client.tasks.ClaimTask(task_pb2.ClaimTaskRequest(item_id=item_id, worker="by hand"))
            if answer.WhichOneof("outcome") == "task":
                return answer.task
            await asyncio.sleep(0.05)


async def _lease_deliveries(client: Client) -> list[webhook_pb2.DueDelivery]:
    request = webhook_pb2.LeaseDeliveriesRequest(max_deliveries=10)
    request.lease_duration.FromSeconds(20)
    return list((await client.deliveries.LeaseDeliveries(request)).deliveries)

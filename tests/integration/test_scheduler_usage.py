"""The month's renders: reserved at submit, given back for what failed or was cancelled, never more than the plan's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest

from pressline.account.v1 import account_pb2
from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from pressline.template.v1 import template_pb2
from services.common import ids
from services.common.errors import PresslineError, Reason
from services.common.rpc_errors import from_rpc_error
from services.scheduler import clock, usage
from services.scheduler.settings import SchedulerSettings
from services.scheduler.store.database import Database
from services.scheduler.store.usage import Usage
from tests.support.scheduler import HTML, PNG, Client, ReportingRenderer, running_scheduler, scheduler_settings
from tests.support.servers import S3Server, UrlServer

LIMIT = 20


@pytest.fixture(scope="module")
def settings(nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server) -> SchedulerSettings:
    return scheduler_settings(nats_server, mongodb_server, s3_server, free_renders_per_month=LIMIT)


@pytest.fixture(scope="module")
async def scheduler(settings: SchedulerSettings) -> AsyncIterator[Client]:
    async with running_scheduler(settings) as anonymous:
        yield anonymous


@pytest.fixture
async def client(scheduler: Client) -> Client:
    """An account of this test's own."""
    return await scheduler.as_account(ids.new("account"), account_pb2.PLAN_FREE)


async def use(client: Client) -> tuple[int, int]:
    """Used and reserved."""
    standing = await client.account.GetUsage(account_pb2.GetUsageRequest(), metadata=client.auth)
    return standing.monthly_use.used, standing.monthly_use.reserved


async def until_use(client: Client, used: int, reserved: int) -> None:
    async with asyncio.timeout(60):
        while await use(client) != (used, reserved):
            await asyncio.sleep(0.05)


async def refused(client: Client, rows: int) -> PresslineError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.submit(rows)
    return from_rpc_error(caught.value)


async def test_a_new_account_has_used_nothing(client: Client) -> None:
    standing = await client.account.GetUsage(account_pb2.GetUsageRequest(), metadata=client.auth)
    now = clock.now_ms()
    assert standing.limits.renders_per_month == LIMIT
    assert (standing.monthly_use.used, standing.monthly_use.reserved) == (0, 0)
    assert standing.monthly_use.month == usage.month_of(now)
    assert standing.monthly_use.reset_time.ToMilliseconds() == usage.next_month_ms(now)


async def test_the_whole_batch_is_reserved_and_what_succeeds_is_used(client: Client, nats_server: UrlServer) -> None:
    async def fail_the_last(task: task_pb2.Task) -> list[batch_pb2.ItemError]:
        failed = task.lease.item_id.endswith("9")
        return [batch_pb2.ItemError(code="TEMPLATE_ERROR", message="no")] if failed else []

    created = await client.submit(10)
    assert await use(client) == (0, 10)
    async with ReportingRenderer(client, nats_server.url, fail_the_last).running():
        await client.until_ended(created.batch.id)
        await until_use(client, 9, 0)


async def test_a_batch_that_does_not_fit_is_refused_whole_with_the_figures(client: Client) -> None:
    first = await client.submit(10)
    await client.submit(8)
    error = await refused(client, 3)
    assert error.reason is Reason.USAGE_LIMIT_EXCEEDED
    assert error.message == "The free plan allows 20 renders a month; 18 are used or reserved and this needs 3 more."
    assert await use(client) == (0, 18)
    await client.submit(2)
    await client.cancel(first.batch.id)
    await until_use(client, 0, 10)


async def test_a_refused_batch_leaves_nothing_behind(client: Client, database: Database) -> None:
    await client.submit(10)
    await client.submit(10)
    assert (await refused(client, 1)).reason is Reason.USAGE_LIMIT_EXCEEDED
    account = (await client.account.GetAccount(account_pb2.GetAccountRequest(), metadata=client.auth)).id
    batches = await database.collection("batches").find({"account_id": account}).to_list(None)
    rows = await database.collection("ledger").find({}).to_list(None)
    assert len(batches) == 2
    assert sum(row["period"].startswith(f"{account}:") for row in rows) == 2


async def test_a_dry_run_names_the_monthly_limit_and_reserves_nothing(client: Client) -> None:
    async def messages(rows: int) -> AsyncIterator[batch_pb2.CheckBatchRequest]:
        spec = batch_pb2.BatchSpec(dialect=batch_pb2.DIALECT_NATIVE, source=HTML, output=PNG)
        yield batch_pb2.CheckBatchRequest(spec=spec)
        items = [batch_pb2.ItemSpec(data_json=b'{"name": "x"}')] * rows
        yield batch_pb2.CheckBatchRequest(items=batch_pb2.ItemChunk(items=items))

    await client.submit(10)
    await client.submit(8)
    fits, beyond = [
        (await client.batches.CheckBatch(messages(rows), metadata=client.auth, timeout=30)).faults for rows in (2, 3)
    ]
    assert list(fits) == []
    assert [(fault.path, "20 renders a month" in fault.message) for fault in beyond] == [("items", True)]
    assert await use(client) == (0, 18)


async def test_each_layout_of_each_item_is_one_render(client: Client, nats_server: UrlServer) -> None:
    content = template_pb2.TemplateContent(
        name="card", html="<p>{{name}}</p>", layouts={name: template_pb2.Layout(width=100) for name in ("a", "b", "c")}
    )
    template = await client.templates.CreateTemplate(
        template_pb2.CreateTemplateRequest(content=content), metadata=client.auth
    )
    spec = batch_pb2.BatchSpec(
        dialect=batch_pb2.DIALECT_PICTIFY,
        source=batch_pb2.Source(template_id=template.id),
        output=PNG,
        layouts=["a", "b", "c"],
    )

    async def fail_the_first(task: task_pb2.Task) -> list[batch_pb2.ItemError]:
        failed = task.lease.item_id.endswith("0")
        return [batch_pb2.ItemError(code="TEMPLATE_ERROR", message="no", layout="a")] if failed else []

    created = await client.submit_items(spec, [batch_pb2.ItemSpec(data_json=b'{"name": "x"}') for _ in range(4)])
    assert await use(client) == (0, 12)
    async with ReportingRenderer(client, nats_server.url, fail_the_first).running():
        await client.until_ended(created.batch.id)
        await until_use(client, 9, 0)


async def test_concurrent_submits_share_the_limit_exactly(client: Client) -> None:
    answers = await asyncio.gather(*(client.submit(3) for _ in range(12)), return_exceptions=True)
    errors = [from_rpc_error(answer) for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
    assert {error.reason for error in errors} == {Reason.USAGE_LIMIT_EXCEEDED}
    assert (len(answers) - len(errors), await use(client)) == (6, (0, 18))


async def test_repeating_a_submit_reserves_once(client: Client) -> None:
    spec = batch_pb2.BatchSpec(idempotency=batch_pb2.IdempotencyKey(key="k", scope="s", fingerprint=b"f"))
    first = await client.submit(4, spec)
    again = await client.submit(4, spec)
    assert (first.batch.id, again.replayed) == (again.batch.id, True)
    assert await use(client) == (0, 4)


async def test_no_limit_is_counted_too(scheduler: Client) -> None:
    enterprise = await scheduler.as_account("unlimited")
    await enterprise.submit(LIMIT + 5)
    assert await use(enterprise) == (0, LIMIT + 5)


async def test_a_batch_that_ended_unsettled_is_settled_by_the_sweep(client: Client, database: Database) -> None:
    created = await client.submit(5)
    await client.cancel(created.batch.id)
    await until_use(client, 0, 0)
    ledger = database.collection("ledger")
    row = await ledger.find_one({"_id": created.batch.id})
    assert row is not None
    # As if the process had died between the batch's end and the settlement.
    await database.collection("usage").update_one(
        {"_id": row["period"]}, {"$inc": {"total": 5, "reserved": 5, "revision": 1}}
    )
    await ledger.update_one({"_id": created.batch.id}, {"$set": {"held": "1"}, "$unset": {"used": ""}})
    await until_use(client, 0, 0)


@pytest.mark.parametrize("counted", [True, False])
async def test_a_creation_that_died_while_reserving_gives_back(
    client: Client, database: Database, *, counted: bool
) -> None:
    await client.submit(5)
    account = (await client.account.GetAccount(account_pb2.GetAccountRequest(), metadata=client.auth)).id
    store = Usage(database)
    now = clock.now_ms()
    period = f"{account}:{usage.month_of(now)}"
    seen = await store.total(period)
    assert await store.hold(f"batch_died{counted}", period, 10, 1, now - usage.ABANDONED_MS - 1)
    if counted:
        assert await store.add(seen, 10, 10, LIMIT)
    async with asyncio.timeout(60):
        while await store.row(f"batch_died{counted}"):
            await asyncio.sleep(0.05)
    await until_use(client, 0, 5)


async def test_a_creation_that_died_after_reserving_gives_back_when_it_is_abandoned(
    client: Client, database: Database
) -> None:
    account = (await client.account.GetAccount(account_pb2.GetAccountRequest(), metadata=client.auth)).id
    store, batches = Usage(database), database.collection("batches")
    now = clock.now_ms()
    period, batch_id = f"{account}:{usage.month_of(now)}", "batch_diedlater"
    # Its lease is alive: whoever makes it may still go on.
    document = {"_id": batch_id, "account_id": account, "state": "creating", "creating": "1", "lease_ms": now + 60_000}
    await batches.insert_one(document)
    seen = await store.total(period)
    token = await store.hold(batch_id, period, 10, 1, now)
    assert token
    assert await store.add(seen, 10, 10, LIMIT)
    assert await store.moved(batch_id, token)
    assert await use(client) == (0, 10)
    await asyncio.sleep(1.5)
    assert await use(client) == (0, 10)
    await batches.update_one({"_id": batch_id}, {"$set": {"lease_ms": 1}})
    await until_use(client, 0, 0)

"""What every gRPC client may rely on: discovery, health, deadlines, rich errors, pages, masks and large streams."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

from pressline.batch.v1 import batch_pb2
from pressline.template.v1 import template_pb2
from services.common import rpc
from services.scheduler.app import INTERNAL_SERVICES, PUBLIC_SERVICES
from services.scheduler.settings import SchedulerSettings
from services.scheduler.store.items import Items
from tests.support.scheduler import HTML, PNG, TOKEN, Client, ReportingRenderer, scheduler_settings
from tests.support.servers import S3Server, UrlServer

DEFAULT_MESSAGE_BYTES = 4 * 1024 * 1024
WATCHERS = 2


@pytest.fixture
def settings(nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server) -> SchedulerSettings:
    return scheduler_settings(nats_server, mongodb_server, s3_server, watchers=WATCHERS)


async def details_of(call: object) -> tuple[grpc.StatusCode, dict[str, object]]:
    """A refused call's code, and its details by the names of their types."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call  # type: ignore[misc]
    status = rpc_status.from_call(caught.value)
    known = (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo)
    found: dict[str, object] = {}
    for detail in status.details if status else ():
        for kind in known:
            message = kind()
            if detail.Unpack(message):
                found[kind.__name__] = message
    return caught.value.code(), found


async def reflected(channel: grpc.aio.Channel) -> set[str]:
    """The services that a listener tells of."""

    async def ask() -> AsyncIterator[reflection_pb2.ServerReflectionRequest]:
        yield reflection_pb2.ServerReflectionRequest(list_services="")

    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    async for answer in stub.ServerReflectionInfo(ask(), metadata=(("x-pressline-service-token", TOKEN),), timeout=60):
        return {service.name for service in answer.list_services_response.service}
    raise AssertionError("no answer")


async def test_each_listener_tells_what_it_serves_and_that_it_does(client: Client, settings: SchedulerSettings) -> None:
    del client
    for address, services in (
        (settings.scheduler_listen, PUBLIC_SERVICES),
        (settings.scheduler_internal_listen, INTERNAL_SERVICES),
    ):
        # As anyone's tool sees it: without a key, and without the token for health.
        async with rpc.channel(address) as channel:
            health = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
            assert health.status == health_pb2.HealthCheckResponse.SERVING
            assert await reflected(channel) == {*services, "grpc.health.v1.Health"}


async def test_a_call_whose_deadline_is_over_holds_nothing_any_more(client: Client) -> None:
    batch_id = (await client.submit(1)).batch.id
    request = batch_pb2.WatchBatchRequest(batch_id=batch_id)
    # As many as may follow at once, with deadlines that pass; whoever comes then finds their places free. The
    # scheduler learns of a deadline a moment after the caller, so one round may still meet the one before it.
    whole = 0
    async with asyncio.timeout(120):
        while whole < 3:
            calls = [client.batches.WatchBatch(request, metadata=client.auth, timeout=1.5) for _ in range(WATCHERS)]
            codes = await asyncio.gather(*(end_of(call) for call in calls))
            whole += codes == [grpc.StatusCode.DEADLINE_EXCEEDED] * WATCHERS


async def end_of(call: grpc.aio.UnaryStreamCall[batch_pb2.WatchBatchRequest, batch_pb2.Batch]) -> grpc.StatusCode:
    with contextlib.suppress(grpc.aio.AioRpcError):
        async for _ in call:
            pass
    return await call.code()


async def test_a_submit_whose_deadline_is_over_made_nothing(client: Client) -> None:
    async def never_closed() -> AsyncIterator[batch_pb2.CreateBatchRequest]:
        spec = batch_pb2.BatchSpec(dialect=batch_pb2.DIALECT_NATIVE, source=HTML, output=PNG)
        yield batch_pb2.CreateBatchRequest(spec=spec)
        yield batch_pb2.CreateBatchRequest(items=batch_pb2.ItemChunk(items=[batch_pb2.ItemSpec(data_json=b"{}")]))
        await asyncio.Event().wait()

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.batches.CreateBatch(never_closed(), metadata=client.auth, timeout=1)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert not (await client.batches.ListBatches(batch_pb2.ListBatchesRequest(), metadata=client.auth)).batches


async def test_a_submit_that_was_cut_off_goes_on_under_its_key(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Items.insert
    stuck: list[bool] = []

    async def insert(*arguments: Any) -> None:
        if not stuck:
            stuck.append(True)
            await asyncio.Event().wait()
        await whole(*arguments)

    monkeypatch.setattr(Items, "insert", insert)
    key = batch_pb2.IdempotencyKey(key="k", scope="POST /v1/batches", fingerprint=b"f")
    spec = batch_pb2.BatchSpec(dialect=batch_pb2.DIALECT_NATIVE, source=HTML, output=PNG, idempotency=key)

    async def submit(seconds: float) -> batch_pb2.CreateBatchResponse:
        pieces = [batch_pb2.CreateBatchRequest(spec=spec)]
        pieces.append(batch_pb2.CreateBatchRequest(items=batch_pb2.ItemChunk(items=[batch_pb2.ItemSpec()])))
        return await client.batches.CreateBatch(iter(pieces), metadata=client.auth, timeout=seconds)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await submit(2)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    made = None
    async with asyncio.timeout(60):
        while made is None:
            # The scheduler learns of the deadline a moment after the caller.
            with contextlib.suppress(grpc.aio.AioRpcError):
                made = await submit(20)
            await asyncio.sleep(0.05)
    assert (made.batch.counts.total, made.replayed) == (1, False)


async def test_refusals_say_why_what_and_when(client: Client) -> None:
    code, found = await details_of(client.batch("batch_unknown"))
    assert (code, set(found)) == (grpc.StatusCode.NOT_FOUND, {"ErrorInfo"})
    info = found["ErrorInfo"]
    assert isinstance(info, error_details_pb2.ErrorInfo)
    assert (info.reason, info.domain) == ("NOT_FOUND", "pressline.dev")
    code, found = await details_of(client.submit(1, concurrency=11, webhook_url="ftp://x"))
    bad = found["BadRequest"]
    assert isinstance(bad, error_details_pb2.BadRequest)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert [each.field for each in bad.field_violations] == ["spec.concurrency", "spec.webhook_url"]
    batch_id = (await client.submit(1)).batch.id
    request = batch_pb2.WatchBatchRequest(batch_id=batch_id)
    async with contextlib.AsyncExitStack() as following:
        for _ in range(WATCHERS):
            call = client.batches.WatchBatch(request, metadata=client.auth, timeout=30)
            following.callback(call.cancel)
            await call.read()
        full = client.batches.WatchBatch(request, metadata=client.auth, timeout=30)
        code, found = await details_of(full.read())
    retry = found["RetryInfo"]
    assert isinstance(retry, error_details_pb2.RetryInfo)
    assert code in {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE}
    assert retry.retry_delay.ToMilliseconds() > 0


async def test_a_batch_beyond_the_message_limit_goes_in_pieces(client: Client) -> None:
    rows = [batch_pb2.ItemSpec(data_json=b'{"name": "%s"}' % (b"x" * 100_000)) for _ in range(90)]
    spec = batch_pb2.BatchSpec(dialect=batch_pb2.DIALECT_NATIVE, source=HTML, output=PNG)

    async def stream(pieces: Iterable[list[batch_pb2.ItemSpec]]) -> AsyncIterator[batch_pb2.CreateBatchRequest]:
        yield batch_pb2.CreateBatchRequest(spec=spec)
        for piece in pieces:
            yield batch_pb2.CreateBatchRequest(items=batch_pb2.ItemChunk(items=piece))

    pieces = [rows[start : start + 10] for start in range(0, len(rows), 10)]
    assert sum(row.ByteSize() for row in rows) > 2 * DEFAULT_MESSAGE_BYTES
    created = await client.batches.CreateBatch(stream(pieces), metadata=client.auth, timeout=60)
    assert (created.batch.counts.total, len(created.item_ids)) == (90, 90)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.batches.CreateBatch(stream([rows + rows]), metadata=client.auth, timeout=60)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_lists_are_paged_alike(client: Client) -> None:
    batch_id = (await client.submit(5)).batch.id
    for _ in range(2):
        content = template_pb2.TemplateContent(name="card", html="<p></p>")
        await client.templates.CreateTemplate(
            template_pb2.CreateTemplateRequest(content=content), metadata=client.auth, timeout=60
        )
    await client.submit(1)
    request = batch_pb2.ListItemsRequest(batch_id=batch_id, page_size=2)
    seen: list[int] = []
    while True:
        items = await client.batches.ListItems(request, metadata=client.auth)
        seen += [item.index for item in items.items]
        request.page_token = items.next_page_token
        if not request.page_token:
            break
    assert seen == [0, 1, 2, 3, 4]
    lists: list[tuple[Any, Any]] = [
        (client.batches.ListItems, batch_pb2.ListItemsRequest(batch_id=batch_id)),
        (client.batches.ListBatches, batch_pb2.ListBatchesRequest()),
        (client.batches.ListAccountItems, batch_pb2.ListAccountItemsRequest()),
        (client.templates.ListTemplates, template_pb2.ListTemplatesRequest()),
    ]
    for method, message in lists:
        message.page_size = 1
        assert (await method(message, metadata=client.auth)).next_page_token
        for size in (-1, 1_001):
            message.page_size = size
            _, found = await details_of(method(message, metadata=client.auth))
            assert fields_of(found) == ["page_size"]
        message.page_size, message.page_token = 1, "nonsense"
        _, found = await details_of(method(message, metadata=client.auth))
        assert fields_of(found) == ["page_token"]
    both = batch_pb2.ListItemsRequest(batch_id=batch_id, page_size=1, from_index=1, page_token="aW5kZXg6MQ")
    _, found = await details_of(client.batches.ListItems(both, metadata=client.auth))
    assert fields_of(found) == ["page_token"]


def fields_of(found: dict[str, object]) -> list[str]:
    bad = found["BadRequest"]
    assert isinstance(bad, error_details_pb2.BadRequest)
    return [each.field for each in bad.field_violations]


async def test_masks_leave_out_what_is_not_asked_for(client: Client, nats_server: UrlServer) -> None:
    async with ReportingRenderer(client, nats_server.url).running():
        content = template_pb2.TemplateContent(name="card", html="<p>{{name}}</p>")
        template = await client.templates.CreateTemplate(
            template_pb2.CreateTemplateRequest(content=content), metadata=client.auth, timeout=60
        )
        created = await client.submit(2)
        await client.until_ended(created.batch.id)
    paths = FieldMask(paths=["id", "state"])
    batch = await client.batches.GetBatch(
        batch_pb2.GetBatchRequest(batch_id=created.batch.id, read_mask=paths), metadata=client.auth
    )
    assert batch == batch_pb2.Batch(id=created.batch.id, state=batch_pb2.BATCH_STATE_COMPLETED)
    listed = await client.batches.ListBatches(batch_pb2.ListBatchesRequest(read_mask=paths), metadata=client.auth)
    assert list(listed.batches) == [batch]
    items = await client.batches.ListItems(
        batch_pb2.ListItemsRequest(batch_id=created.batch.id, read_mask=FieldMask(paths=["index", "outputs.format"])),
        metadata=client.auth,
    )
    png = batch_pb2.Output(format=batch_pb2.FORMAT_PNG)
    assert list(items.items) == [batch_pb2.Item(outputs=[png]), batch_pb2.Item(index=1, outputs=[png])]
    item = await client.batches.GetItem(
        batch_pb2.GetItemRequest(item_id=created.item_ids[1], read_mask=FieldMask(paths=["index"])),
        metadata=client.auth,
    )
    assert item == batch_pb2.Item(index=1)
    named = FieldMask(paths=["id", "content.name"])
    one = await client.templates.GetTemplate(
        template_pb2.GetTemplateRequest(template_id=template.id, read_mask=named), metadata=client.auth
    )
    all_of_them = await client.templates.ListTemplates(
        template_pb2.ListTemplatesRequest(read_mask=named), metadata=client.auth
    )
    assert one == template_pb2.Template(id=template.id, content=template_pb2.TemplateContent(name="card"))
    assert list(all_of_them.templates) == [one]
    wrong = batch_pb2.GetBatchRequest(batch_id=created.batch.id, read_mask=FieldMask(paths=["colour"]))
    _, found = await details_of(client.batches.GetBatch(wrong, metadata=client.auth))
    assert fields_of(found) == ["read_mask"]

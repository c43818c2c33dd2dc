"""Trying batches again: which items, with what, under which limits, and what says so afterwards."""

from __future__ import annotations

import grpc
import pytest

from pressline.account.v1 import account_pb2
from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from pressline.template.v1 import template_pb2
from services.common.errors import PresslineError, Reason
from services.common.rpc_errors import from_rpc_error
from tests.support.scheduler import HTML, PNG, Client, ReportingRenderer
from tests.support.servers import UrlServer

FAILED, CANCELLED = batch_pb2.ITEM_STATE_FAILED, batch_pb2.ITEM_STATE_CANCELLED
CARD = template_pb2.TemplateContent(name="card", html="<p>{{name}}</p>", width=300, height=200)


async def retry(client: Client, batch_id: str, **fields: object) -> batch_pb2.CreateBatchResponse:
    request = batch_pb2.RetryBatchRequest(batch_id=batch_id, **fields)  # type: ignore[arg-type]
    return await client.batches.RetryBatch(request, metadata=client.auth, timeout=60)


async def refusal_of(client: Client, batch_id: str, **fields: object) -> PresslineError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await retry(client, batch_id, **fields)
    return from_rpc_error(caught.value)


async def fail_odd(task: task_pb2.Task) -> list[batch_pb2.ItemError]:
    odd = int(task.lease.item_id[-5:]) % 2
    return [batch_pb2.ItemError(code="TEMPLATE_ERROR", message="name is missing")] if odd else []


async def fail(_task: task_pb2.Task) -> list[batch_pb2.ItemError]:
    return [batch_pb2.ItemError(code="TEMPLATE_ERROR", message="no")]


async def make_template(client: Client) -> str:
    request = template_pb2.CreateTemplateRequest(content=CARD)
    return (await client.templates.CreateTemplate(request, metadata=client.auth)).id


async def change_template(client: Client, template_id: str, html: str) -> None:
    content = template_pb2.TemplateContent(name="card", html=html, width=400, height=300)
    request = template_pb2.UpdateTemplateRequest(template_id=template_id, content=content)
    await client.templates.UpdateTemplate(request, metadata=client.auth)


async def tasks_of(client: Client, nats_url: str, batch_id: str) -> dict[str, task_pb2.Task]:
    """What renderers are told for the items of a batch, by item."""
    seen: dict[str, task_pb2.Task] = {}

    async def see(task: task_pb2.Task) -> list[batch_pb2.ItemError]:
        seen[task.lease.item_id] = task
        return []

    async with ReportingRenderer(client, nats_url, see).running():
        await client.until_ended(batch_id)
    return seen


async def body_of(client: Client, task: task_pb2.Task) -> str:
    source = await client.tasks.GetSource(task_pb2.GetSourceRequest(source_id=task.renders[0].source_id))
    return source.body


async def test_the_failed_items_become_a_batch_of_their_own(client: Client, nats_server: UrlServer) -> None:
    spec = batch_pb2.BatchSpec(
        dialect=batch_pb2.DIALECT_PICTIFY,
        source=HTML,
        output=PNG,
        webhook_url="https://example.com/hook",
        metadata_json=b'{"run": 1}',
    )
    jpeg = batch_pb2.OutputSpec(format=batch_pb2.FORMAT_JPEG, image=batch_pb2.ImageOptions(width=90, quality=0.5))
    items = [batch_pb2.ItemSpec(data_json=b'{"name": "%d"}' % i, reference=f"r{i}", filename=f"f{i}") for i in range(6)]
    items[3].output.CopyFrom(jpeg)
    items[1].source.react = "export default ({name}) => <p>{name}</p>"
    items[5].source.html = "<b>{{name}}</b>"
    items[5].warnings.append("odd")
    async with ReportingRenderer(client, nats_server.url, fail_odd).running():
        old = (await client.submit_items(spec, items)).batch.id
        await client.until_ended(old)
    new = await retry(client, old)
    tasks = await tasks_of(client, nats_server.url, new.batch.id)
    made = await client.items(new.batch.id)
    assert [item.reference for item in made] == ["r1", "r3", "r5"]
    assert [item.filename for item in made] == ["f1", "f3", "f5"]
    assert [item.retry_of[-5:] for item in made] == ["00001", "00003", "00005"]
    assert [item.format for item in made] == [batch_pb2.FORMAT_PNG, batch_pb2.FORMAT_JPEG, batch_pb2.FORMAT_PNG]
    assert [list(item.warnings) for item in made] == [[], [], ["odd"]]
    assert [tasks[item.id].data_json for item in made] == [b'{"name": "1"}', b'{"name": "3"}', b'{"name": "5"}']
    assert [item.input_type for item in made] == ["react", "html", "html"]
    bodies = [await body_of(client, tasks[item.id]) for item in made]
    assert bodies == [items[1].source.react, HTML.html, "<b>{{name}}</b>"]
    image = tasks[made[1].id].renders[0].output.image
    assert (image.width, image.quality) == (90, 0.5)
    batch = await client.batch(new.batch.id)
    assert (batch.retry_of, batch.dialect) == (old, batch_pb2.DIALECT_PICTIFY)
    assert (batch.webhook_url, batch.metadata_json) == ("https://example.com/hook", b'{"run": 1}')
    assert batch.state == batch_pb2.BATCH_STATE_COMPLETED
    assert list((await client.batch(old)).retried_by) == [new.batch.id]


async def test_announcement_and_metadata_may_be_given_anew_or_taken_away(
    client: Client, nats_server: UrlServer
) -> None:
    async with ReportingRenderer(client, nats_server.url, fail).running():
        old = (await client.submit(1, webhook_url="https://example.com/a", metadata_json=b'{"a": 1}')).batch.id
        await client.until_ended(old)
        anew = await retry(client, old, webhook_url="https://example.com/b", metadata_json=b'{"b": 1}')
        without = await retry(client, old, webhook_url="", metadata_json=b"")
    assert (anew.batch.webhook_url, anew.batch.metadata_json) == ("https://example.com/b", b'{"b": 1}')
    assert (without.batch.webhook_url, without.batch.metadata_json) == ("", b"")
    error = await refusal_of(client, old, webhook_url="ftp://x", metadata_json=b"[]", template_version=-1)
    assert [each.path for each in error.violations] == ["template_version", "webhook_url", "metadata_json"]


async def test_cancelled_items_are_tried_again_when_asked_for(client: Client, nats_server: UrlServer) -> None:
    old = (await client.submit(4)).batch.id
    await client.cancel(old)
    await client.until_ended(old)
    assert (await refusal_of(client, old)).reason is Reason.CONFLICT
    new = await retry(client, old, states=[FAILED, CANCELLED])
    assert new.batch.counts.total == 4
    async with ReportingRenderer(client, nats_server.url).running():
        assert (await client.until_ended(new.batch.id)).state == batch_pb2.BATCH_STATE_COMPLETED
    wrong = await refusal_of(client, old, states=[batch_pb2.ITEM_STATE_SUCCEEDED])
    assert [each.path for each in wrong.violations] == ["states"]


async def test_what_cannot_be_tried_again(client: Client, nats_server: UrlServer) -> None:
    old = (await client.submit(1)).batch.id
    assert (await refusal_of(client, old)).reason is Reason.CONFLICT
    async with ReportingRenderer(client, nats_server.url).running():
        await client.until_ended(old)
    nothing_failed = await refusal_of(client, old)
    assert (nothing_failed.reason, nothing_failed.message) == (Reason.CONFLICT, "No item of the batch is failed.")
    stranger = await client.as_account("stranger")
    assert (await refusal_of(stranger, old)).reason is Reason.NOT_FOUND
    await client.batches.DeleteBatch(batch_pb2.DeleteBatchRequest(batch_id=old), metadata=client.auth)
    assert (await refusal_of(client, old)).reason is Reason.GONE


async def test_the_version_is_the_old_one_unless_another_is_asked_for(client: Client, nats_server: UrlServer) -> None:
    template_id = await make_template(client)
    async with ReportingRenderer(client, nats_server.url, fail).running():
        old = (await client.submit(1, source=batch_pb2.Source(template_id=template_id, styles="p {}"))).batch.id
        await client.until_ended(old)
    for html in ("<i>{{name}}</i>", "<u>{{name}}</u>"):
        await change_template(client, template_id, html)
    for asked, version, body, width in (
        ({}, 1, "<p>{{name}}</p>", 300),
        ({"template_version": 2}, 2, "<i>{{name}}</i>", 400),
        ({"latest_template": True}, 3, "<u>{{name}}</u>", 400),
    ):
        new = await retry(client, old, **asked)
        (task,) = (await tasks_of(client, nats_server.url, new.batch.id)).values()
        assert (new.batch.template_id, new.batch.template_version) == (template_id, version)
        assert (await body_of(client, task), task.renders[0].output.image.width) == (body, width)
    unknown = await refusal_of(client, old, template_version=4)
    assert [each.path for each in unknown.violations] == ["template_version"]
    request = template_pb2.DeleteTemplateRequest(template_id=template_id)
    await client.templates.DeleteTemplate(request, metadata=client.auth)
    assert (await refusal_of(client, old)).reason is Reason.CONFLICT
    gone = await refusal_of(client, old, latest_template=True)
    assert (gone.reason, gone.violations[0].path) == (Reason.VALIDATION_ERROR, "latest_template")


async def test_a_version_is_for_one_template(client: Client, nats_server: UrlServer) -> None:
    async with ReportingRenderer(client, nats_server.url, fail).running():
        old = (await client.submit(1)).batch.id
        await client.until_ended(old)
    error = await refusal_of(client, old, template_version=1)
    assert [each.path for each in error.violations] == ["template_version"]
    assert (await retry(client, old, latest_template=True)).batch.counts.total == 1


async def test_rows_are_checked_anew_as_they_were_submitted(client: Client, nats_server: UrlServer) -> None:
    declared = [
        template_pb2.Variable(name="name", type=template_pb2.VARIABLE_TYPE_NUMBER),
        template_pb2.Variable(name="greeting", default_json=b'"Hi"'),
    ]
    content = template_pb2.TemplateContent(html="<p>{{greeting}} {{name}}</p>", variables=declared)
    async with ReportingRenderer(client, nats_server.url).running():
        request = template_pb2.CreateTemplateRequest(content=content)
        template = await client.templates.CreateTemplate(request, metadata=client.auth)
        # Every row says that its name is text, so nothing of it is rendered.
        old = (await client.submit(2, source=batch_pb2.Source(template_id=template.id))).batch.id
        assert (await client.until_ended(old)).state == batch_pb2.BATCH_STATE_FAILED
        again = (await retry(client, old)).batch.id
        assert (await client.until_ended(again)).counts.failed == 2
        content.variables[0].type = template_pb2.VARIABLE_TYPE_STRING
        content.variables[1].default_json = b'"Hello"'
        update = template_pb2.UpdateTemplateRequest(template_id=template.id, content=content)
        await client.templates.UpdateTemplate(update, metadata=client.auth)
    # A retry of a retry starts from the rows that its owner wrote: the new default is filled in, not the old one.
    new = (await retry(client, again, latest_template=True)).batch.id
    tasks = await tasks_of(client, nats_server.url, new)
    assert sorted(task.data_json for task in tasks.values()) == [
        b'{"name":"row 0","greeting":"Hello"}',
        b'{"name":"row 1","greeting":"Hello"}',
    ]
    assert (await client.batch(new)).retry_of == again


async def test_limits_hold_for_retries(client: Client, nats_server: UrlServer) -> None:
    small = await client.as_account("small", account_pb2.PLAN_PRO)
    async with ReportingRenderer(client, nats_server.url, fail).running():
        old = (await small.submit(11)).batch.id
        await small.until_ended(old)
    await client.as_account("small", account_pb2.PLAN_FREE)
    assert (await refusal_of(small, old)).reason is Reason.PLAN_LIMIT_EXCEEDED


async def test_a_repeat_with_the_same_key_makes_nothing(client: Client, nats_server: UrlServer) -> None:
    async with ReportingRenderer(client, nats_server.url, fail).running():
        old = (await client.submit(2)).batch.id
        await client.until_ended(old)
        key = batch_pb2.IdempotencyKey(key="k", scope=f"POST /v1/batches/{old}:retry", fingerprint=b"f")
        first = await retry(client, old, idempotency=key)
        await client.until_ended(first.batch.id)
        again = await retry(client, old, idempotency=key)
        assert again.replayed
        assert (again.batch, again.item_ids) == (first.batch, first.item_ids)
        other = batch_pb2.IdempotencyKey(key="k", scope=key.scope, fingerprint=b"g")
        assert (await refusal_of(client, old, idempotency=other)).reason is Reason.IDEMPOTENCY_KEY_REUSED
        # The answer outlives the batch that was asked about.
        await client.batches.DeleteBatch(batch_pb2.DeleteBatchRequest(batch_id=old), metadata=client.auth)
        assert (await retry(client, old, idempotency=key)).batch.id == first.batch.id


async def test_lineage_of_lists_and_of_what_is_deleted(client: Client, nats_server: UrlServer) -> None:
    async with ReportingRenderer(client, nats_server.url, fail).running():
        old = (await client.submit(1)).batch.id
        await client.until_ended(old)
        first, second = [(await retry(client, old)).batch.id for _ in range(2)]
        await client.until_ended(first)
        await client.until_ended(second)
    listed = (await client.batches.ListBatches(batch_pb2.ListBatchesRequest(), metadata=client.auth)).batches
    by_id = {batch.id: batch for batch in listed}
    assert set(by_id[old].retried_by) == {first, second}
    assert [by_id[each].retry_of for each in (first, second)] == [old, old]
    await client.batches.DeleteBatch(batch_pb2.DeleteBatchRequest(batch_id=first), metadata=client.auth)
    assert list((await client.batch(old)).retried_by) == [second]

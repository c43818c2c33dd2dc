"""The check of a batch's rows against its template, with a renderer that only reports."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from pressline.template.v1 import template_pb2
from services.common.errors import Reason
from tests.support.scheduler import PNG, Client, ReportingRenderer, running_scheduler, scheduler_settings
from tests.support.servers import S3Server, UrlServer
from tests.support.templates import (
    CARD,
    Content,
    check,
    create,
    new_account,
    refusal,
    submit,
)


@pytest.fixture
async def client(nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server) -> AsyncIterator[Client]:
    settings = scheduler_settings(nats_server, mongodb_server, s3_server, template_wait_seconds=10)
    async with running_scheduler(settings) as anonymous:
        yield await anonymous.as_account(new_account())


@pytest.fixture
async def renderer(client: Client, nats_server: UrlServer) -> AsyncIterator[ReportingRenderer]:
    async with ReportingRenderer(client, nats_server.url).running() as running:
        yield running


async def test_a_row_that_does_not_fit_becomes_a_failed_item(client: Client, renderer: ReportingRenderer) -> None:
    declared = [
        template_pb2.Variable(name="total", type=template_pb2.VARIABLE_TYPE_NUMBER),
        template_pb2.Variable(name="note", default_json=b'"none"'),
    ]
    template = await create(client, Content(html=CARD, variables=declared))
    rows = (b'{"name": "a", "total": 1}', b'{"total": "1"}', b"", b'{"name": "b", "total": 2}')
    submitted = await submit(client, template.id, *rows)
    batch = await client.until_ended(submitted.batch.id)
    assert (batch.state, batch.counts.succeeded, batch.counts.failed) == (batch_pb2.BATCH_STATE_PARTIAL, 2, 2)
    items = await client.items(submitted.batch.id)
    assert [[error.code for error in item.errors] for item in items] == [[], ["TEMPLATE_ERROR"], ["TEMPLATE_ERROR"], []]
    assert [items[index].errors[0].message for index in (1, 2)] == [
        'The row does not fit the template: "total" must be a number, not a string; "name" is missing.',
        'The row does not fit the template: "total" is missing; "name" is missing.',
    ]
    assert sorted(renderer.claimed) == [submitted.item_ids[0], submitted.item_ids[3]]


async def test_defaults_are_filled_into_rows(client: Client, nats_server: UrlServer) -> None:
    rows: list[bytes] = []

    async def note(task: task_pb2.Task) -> list[batch_pb2.ItemError]:
        rows.append(task.data_json)
        return []

    async with ReportingRenderer(client, nats_server.url, note).running():
        declared = [template_pb2.Variable(name="total", default_json=b"7")]
        template = await create(client, Content(html=CARD, variables=declared))
        assert [(each.name, each.required) for each in template.variables] == [("total", False), ("name", True)]
        submitted = await submit(client, template.id, b'{"name": 12345678901234567890}', b'{"name": "b", "total": 1}')
        await client.until_ended(submitted.batch.id)
    assert sorted(rows) == [b'{"name": "b", "total": 1}', b'{"name":12345678901234567890,"total":7}']


@pytest.mark.usefixtures("renderer")
async def test_a_batch_of_nothing_but_bad_rows_ends_by_itself(client: Client) -> None:
    template = await create(client, Content(html=CARD))
    submitted = await submit(client, template.id, *[b"{}"] * 3)
    batch = await client.until_ended(submitted.batch.id)
    assert (batch.state, batch.counts.failed) == (batch_pb2.BATCH_STATE_FAILED, 3)


async def test_many_bad_rows_are_passed_over_at_once(client: Client, renderer: ReportingRenderer) -> None:
    template = await create(client, Content(html=CARD))
    submitted = await submit(client, template.id, *[b"{}"] * 600, b'{"name": 1, "total": 1}', b"{}", concurrency=5)
    batch = await client.until_ended(submitted.batch.id)
    assert (batch.counts.succeeded, batch.counts.failed) == (1, 601)
    assert renderer.claimed == [submitted.item_ids[600]]


@pytest.mark.usefixtures("renderer")
async def test_reject_invalid_refuses_the_whole_batch(client: Client) -> None:
    template = await create(client, Content(html=CARD))
    rows = (b'{"name": "a", "total": 1}', b"{}", b'{"name": "a"}')
    error = await refusal(submit(client, template.id, *rows, reject_invalid=True))
    assert error.reason is Reason.VALIDATION_ERROR
    assert [(each.path, each.message) for each in error.violations] == [
        ("items[1].data_json.name", "is missing"),
        ("items[1].data_json.total", "is missing"),
        ("items[2].data_json.total", "is missing"),
    ]
    assert (await submit(client, template.id, rows[0], reject_invalid=True)).batch.counts.total == 1


@pytest.mark.usefixtures("renderer")
async def test_missing_empty_lets_rows_leave_anything_out(client: Client) -> None:
    content = Content(html=CARD, missing=template_pb2.MISSING_POLICY_EMPTY)
    template = await create(client, content)
    assert not any(variable.required for variable in template.variables)
    submitted = await submit(client, template.id, b"{}", reject_invalid=True)
    assert (await client.until_ended(submitted.batch.id)).counts.succeeded == 1


@pytest.mark.usefixtures("renderer")
async def test_only_the_documents_that_are_rendered_ask_for_variables(client: Client) -> None:
    layouts = {"story": template_pb2.Layout(html="{{subtitle}}"), "wide": template_pb2.Layout(width=900)}
    template = await create(client, Content(html="{{name}}", layouts=layouts))

    async def paths(*chosen: str) -> list[str]:
        error = await refusal(submit(client, template.id, b"{}", layouts=chosen, reject_invalid=True))
        return [each.path.removeprefix("items[0].data_json.") for each in error.violations]

    assert await paths() == ["name"]
    assert await paths("story") == ["subtitle"]
    assert await paths("wide") == ["name"]
    assert sorted(await paths("story", "wide")) == ["name", "subtitle"]


@pytest.mark.usefixtures("renderer")
async def test_everything_that_is_not_there_is_named(client: Client) -> None:
    sources = [batch_pb2.Source(template_id=f"tmpl_{i}") for i in range(2)]
    items = [batch_pb2.ItemSpec(source=source, output=PNG) for source in sources]
    error = await refusal(client.submit_items(batch_pb2.BatchSpec(dialect=batch_pb2.DIALECT_DECKLE), items))
    assert [each.path for each in error.violations] == ["items[0].source.template_id", "items[1].source.template_id"]


@pytest.mark.usefixtures("renderer")
async def test_a_dry_run_names_all_faults_and_stores_nothing(client: Client) -> None:
    template = await create(client, Content(html=CARD))

    rows = [batch_pb2.ItemSpec(data_json=row) for row in (b'{"name": "a", "total": 1}', b'{"name": "b"}')]
    other = batch_pb2.ItemSpec(source=batch_pb2.Source(template_id="tmpl_other"), warnings=["odd"])
    checked = await check(client, batch_pb2.Source(template_id=template.id), *rows, other)
    assert checked.items == 3
    assert [fault.path for fault in checked.faults] == ["items[2].source.template_id", "items[1].data_json.total"]
    assert list(checked.warnings) == ["items[2]: odd"]
    assert checked.estimated_seconds == 0.1
    usage = await client.batches.ListBatches(batch_pb2.ListBatchesRequest(), metadata=client.auth)
    assert not usage.batches

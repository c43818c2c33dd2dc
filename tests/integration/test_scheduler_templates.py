"""Templates and the check of their rows, through the scheduler with a renderer that only reports."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator

import grpc
import pytest

from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from pressline.template.v1 import template_pb2
from services.common.errors import PresslineError, Reason
from services.common.rpc_errors import from_rpc_error
from tests.support.scheduler import PNG, Client, ReportingRenderer, running_scheduler, scheduler_settings
from tests.support.servers import S3Server, UrlServer

READY, CHECKING, INVALID = (
    template_pb2.TEMPLATE_STATUS_READY,
    template_pb2.TEMPLATE_STATUS_CHECKING,
    template_pb2.TEMPLATE_STATUS_INVALID,
)
CARD = "<b>{{name}}</b><i>{{total}}</i>"
Content = template_pb2.TemplateContent


def new_account() -> str:
    """The tests' schedulers share a bus, which takes one request to look through a document of an account at a time."""
    return f"acme-{secrets.token_hex(4)}"


@pytest.fixture
async def client(nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server) -> AsyncIterator[Client]:
    settings = scheduler_settings(nats_server, mongodb_server, s3_server, template_wait_seconds=5)
    async with running_scheduler(settings) as anonymous:
        yield await anonymous.as_account(new_account())


@pytest.fixture
async def renderer(client: Client, nats_server: UrlServer) -> AsyncIterator[ReportingRenderer]:
    async with ReportingRenderer(client, nats_server.url).running() as running:
        yield running


async def create(client: Client, content: Content, key: str = "", body: bytes = b"") -> template_pb2.Template:
    request = template_pb2.CreateTemplateRequest(content=content)
    if key:
        scope = "POST /templates"
        request.idempotency.CopyFrom(batch_pb2.IdempotencyKey(key=key, scope=scope, fingerprint=body))
    return await client.templates.CreateTemplate(request, metadata=client.auth)


async def read(client: Client, template_id: str, version: int = 0) -> template_pb2.Template:
    request = template_pb2.GetTemplateRequest(template_id=template_id, version=version)
    return await client.templates.GetTemplate(request, metadata=client.auth)


async def update(client: Client, template_id: str, content: Content) -> template_pb2.Template:
    request = template_pb2.UpdateTemplateRequest(template_id=template_id, content=content)
    return await client.templates.UpdateTemplate(request, metadata=client.auth)


async def delete(client: Client, template_id: str) -> None:
    request = template_pb2.DeleteTemplateRequest(template_id=template_id)
    await client.templates.DeleteTemplate(request, metadata=client.auth)


async def refusal(call: object) -> PresslineError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call  # type: ignore[misc]
    return from_rpc_error(caught.value)


async def submit(client: Client, template_id: str, *rows: bytes, **fields: object) -> batch_pb2.CreateBatchResponse:
    spec = batch_pb2.BatchSpec(
        dialect=batch_pb2.DIALECT_NATIVE,
        source=batch_pb2.Source(template_id=template_id),
        output=PNG,
        **fields,  # type: ignore[arg-type]
    )
    return await client.submit_items(spec, [batch_pb2.ItemSpec(data_json=row) for row in rows])


async def check(client: Client, source: batch_pb2.Source, *items: batch_pb2.ItemSpec) -> batch_pb2.CheckBatchResponse:
    spec = batch_pb2.BatchSpec(dialect=batch_pb2.DIALECT_NATIVE, source=source, output=PNG)

    async def messages() -> AsyncIterator[batch_pb2.CheckBatchRequest]:
        yield batch_pb2.CheckBatchRequest(spec=spec)
        yield batch_pb2.CheckBatchRequest(items=batch_pb2.ItemChunk(items=items))

    return await client.batches.CheckBatch(messages(), metadata=client.auth)


def names(template: template_pb2.Template) -> list[str]:
    return [variable.name for variable in template.variables]


async def test_a_saved_template_comes_back_with_its_variables(client: Client, renderer: ReportingRenderer) -> None:
    layouts = {"story": template_pb2.Layout(html="{{name}}{{subtitle}}"), "wide": template_pb2.Layout(width=900)}
    template = await create(client, Content(html=CARD, layouts=layouts))
    assert (template.version, template.status) == (1, READY)
    assert names(template) == ["name", "total", "subtitle"]
    assert await read(client, template.id) == template
    assert sorted(renderer.inspected) == [CARD, "{{name}}{{subtitle}}"]
    listed = await client.templates.ListTemplates(template_pb2.ListTemplatesRequest(), metadata=client.auth)
    assert names(listed.templates[0]) == names(template)
    assert not listed.templates[0].content.html


async def test_the_same_document_is_looked_through_once(client: Client, renderer: ReportingRenderer) -> None:
    templates = await asyncio.gather(*(create(client, Content(html=CARD, name=str(i))) for i in range(5)))
    assert all(template.status == READY for template in templates)
    assert renderer.inspected == [CARD]


async def test_a_document_at_fault_is_refused_and_nothing_is_stored(
    client: Client, renderer: ReportingRenderer
) -> None:
    layouts = {"story": template_pb2.Layout(html="{{{{")}
    error = await refusal(create(client, Content(html=CARD, layouts=layouts)))
    assert error.reason is Reason.VALIDATION_ERROR
    assert [(each.path, each.message) for each in error.violations] == [
        ("layouts.story.html", "The template is broken.")
    ]
    listed = await client.templates.ListTemplates(template_pb2.ListTemplatesRequest(), metadata=client.auth)
    assert not listed.templates
    template = await create(client, Content(html=CARD))
    assert (await refusal(update(client, template.id, Content(html="{{{{")))).violations[0].path == "html"
    assert (await read(client, template.id)).version == 1


async def test_without_renderers_a_template_is_stored_and_gets_its_variables_later(
    nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server
) -> None:
    settings = scheduler_settings(nats_server, mongodb_server, s3_server, template_wait_seconds=0.2)
    async with running_scheduler(settings) as anonymous:
        client = await anonymous.as_account(new_account())
        template = await create(client, Content(html=CARD))
        broken = await create(client, Content(html="{{{{"))
        assert (template.status, names(template)) == (CHECKING, [])
        unlisted = await check(client, batch_pb2.Source(template_id=template.id), batch_pb2.ItemSpec(data_json=b"{}"))
        assert not unlisted.faults
        assert template.id in unlisted.warnings[0]
        async with ReportingRenderer(client, nats_server.url).running(), asyncio.timeout(10):
            while CHECKING in {(await read(client, each.id)).status for each in (template, broken)}:
                await asyncio.sleep(0.05)
        assert names(await read(client, template.id)) == ["name", "total"]
        said = await read(client, broken.id)
        assert said.status == INVALID
        assert [(each.path, each.message) for each in said.problems] == [("html", "The template is broken.")]
        checked = await check(client, batch_pb2.Source(template_id=broken.id), batch_pb2.ItemSpec(data_json=b"{}"))
        assert [(each.path, each.message) for each in checked.faults] == [
            ("items", f"{broken.id} cannot be rendered: The template is broken.")
        ]


async def test_the_first_report_about_a_source_stands(client: Client, renderer: ReportingRenderer) -> None:
    template = await create(client, Content(html=CARD))
    found = template_pb2.Inspection(error="late")
    source_id = renderer.source_ids[0]
    await client.tasks.ReportInspection(task_pb2.ReportInspectionRequest(source_id=source_id, inspection=found))
    assert (await read(client, template.id)).status == READY


@pytest.mark.usefixtures("renderer")
async def test_a_create_call_can_be_repeated(client: Client) -> None:
    first = await create(client, Content(html=CARD), "key", b"same")
    assert not first.replayed
    await update(client, first.id, Content(html="new"))
    again = await create(client, Content(html=CARD), "key", b"same")
    assert again.replayed
    again.replayed = False
    assert again == first
    assert (await refusal(create(client, Content(html=CARD), "key", b"other"))).reason is Reason.IDEMPOTENCY_KEY_REUSED
    answers = await asyncio.gather(
        *(create(client, Content(html="<p>{{x}}"), "busy", b"b") for _ in range(8)), return_exceptions=True
    )
    made = {answer.id for answer in answers if isinstance(answer, template_pb2.Template)}
    refused = [from_rpc_error(answer) for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
    assert len(made) == 1
    assert {error.reason for error in refused} <= {Reason.CONFLICT}


@pytest.mark.usefixtures("renderer")
async def test_every_version_can_be_read_until_the_template_is_deleted(client: Client) -> None:
    template = await create(client, Content(html="<p>{{a}}"))
    changed = await asyncio.gather(*(update(client, template.id, Content(html=f"<p>{{{{v{i}}}}}")) for i in range(4)))
    assert sorted(each.version for each in changed) == [2, 3, 4, 5]
    assert (await read(client, template.id, 1)).content == template.content
    for each in changed:
        assert await read(client, template.id, each.version) == each
    assert (await read(client, template.id)).version == 5
    assert (await refusal(read(client, template.id, 6))).reason is Reason.NOT_FOUND
    stranger = await client.as_account("stranger")
    assert (await refusal(read(stranger, template.id, 1))).reason is Reason.NOT_FOUND
    await delete(client, template.id)
    for version in (0, 1, 5):
        assert (await refusal(read(client, template.id, version))).reason is Reason.NOT_FOUND


async def test_a_batch_renders_the_version_it_was_submitted_with(client: Client, nats_server: UrlServer) -> None:
    bodies: list[str] = []

    async def note(task: task_pb2.Task) -> list[batch_pb2.ItemError]:
        source = task_pb2.GetSourceRequest(source_id=task.renders[0].source_id)
        bodies.append((await client.tasks.GetSource(source)).body)
        return []

    async with ReportingRenderer(client, nats_server.url).running():
        template = await create(client, Content(html="<p>old {{name}}"))
    submitted = await submit(client, template.id, *[b'{"name": "a"}'] * 3)
    async with ReportingRenderer(client, nats_server.url, note).running():
        await update(client, template.id, Content(html="<p>new {{name}}"))
        newer = await submit(client, template.id, b'{"name": "a"}')
        await delete(client, template.id)
        ended = [await client.until_ended(each.batch.id) for each in (submitted, newer)]
    assert [(batch.counts.succeeded, batch.template_version) for batch in ended] == [(3, 1), (1, 2)]
    assert sorted(bodies) == ["<p>new {{name}}", *["<p>old {{name}}"] * 3]


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
    batch = await client.until_ended(submitted.batch.id, 2)
    assert (batch.state, batch.counts.failed) == (batch_pb2.BATCH_STATE_FAILED, 3)


async def test_many_bad_rows_are_passed_over_at_once(client: Client, renderer: ReportingRenderer) -> None:
    template = await create(client, Content(html=CARD))
    submitted = await submit(client, template.id, *[b"{}"] * 600, b'{"name": 1, "total": 1}', b"{}", concurrency=5)
    batch = await client.until_ended(submitted.batch.id, 20)
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

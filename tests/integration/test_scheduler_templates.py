"""Templates and their variables, through the scheduler with a renderer that only reports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest

from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from pressline.template.v1 import template_pb2
from services.common.errors import Reason
from services.common.rpc_errors import from_rpc_error
from tests.support.scheduler import Client, ReportingRenderer, running_scheduler, scheduler_settings
from tests.support.servers import S3Server, UrlServer
from tests.support.templates import (
    CARD,
    CHECKING,
    INVALID,
    READY,
    Content,
    check,
    create,
    delete,
    names,
    new_account,
    read,
    refusal,
    submit,
    update,
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
        async with ReportingRenderer(client, nats_server.url).running(), asyncio.timeout(60):
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

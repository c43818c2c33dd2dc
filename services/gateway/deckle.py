"""Routes of the Deckle dialect."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from pressline.account.v1 import account_pb2
from pressline.batch.v1 import batch_pb2
from pressline.template.v1 import template_pb2
from services.gateway import inline, singles
from services.gateway.models.deckle import GenerateBatchBody, GenerationBody
from services.gateway.models.templates import TemplateBody
from services.gateway.responses import Json, created
from services.gateway.routing import CallerScheduler, Version, router, store_template
from services.gateway.submitting import Submission
from services.gateway.translate import accounts, deckle, templates
from services.gateway.translate.paths import DECKLE, GENERATE

routes = router()


@routes.post("/v1/generate/batch", status_code=202)
async def generate_batch(body: GenerateBatchBody, submission: Annotated[Submission, Depends()]) -> Response:
    """Make up to 100 PDFs."""
    return await submission.answer(deckle.batch_spec(body), deckle.item_specs(body), DECKLE, deckle.accepted)


@routes.post("/v1/generate", responses=singles.NOT_READY)
async def generate(body: GenerationBody, request: Request, scheduler: CallerScheduler) -> Response:
    """Make one PDF and wait for it; one that takes too long is answered with 202 and goes on."""
    spec = batch_pb2.BatchSpec(dialect=batch_pb2.DIALECT_DECKLE)
    single = await singles.render(request, scheduler, spec, deckle.item_spec(body), GENERATE)
    answer = inline.answer(scheduler, single.item, deckle.rendered(single.item), single.status_code)
    return single.marked(answer, f"/v1/generations/{single.item.id}")


@routes.get("/v1/generations/{generation_id}")
async def get_generation(generation_id: str, scheduler: CallerScheduler) -> Response:
    """Read one generation."""
    request = batch_pb2.GetItemRequest(item_id=generation_id)
    item = await scheduler.call(scheduler.stubs.batches.GetItem, request)
    return inline.answer(scheduler, item, deckle.generation(item))


@routes.post("/v1/templates", status_code=201)
async def create_template(body: TemplateBody, request: Request, scheduler: CallerScheduler) -> Response:
    """Store a template, and list the variables that it takes."""
    stored = await store_template(request, scheduler, templates.content(body))
    return created(templates.snake_case(stored), replayed=stored.replayed)


@routes.get("/v1/templates")
async def list_templates(
    scheduler: CallerScheduler, limit: Annotated[int, Query(ge=1, le=1000)] = 100, cursor: str = ""
) -> Response:
    """List templates, newest first."""
    request = template_pb2.ListTemplatesRequest(page_size=limit, page_token=cursor)
    listed = await scheduler.call(scheduler.stubs.templates.ListTemplates, request)
    found = [templates.snake_case(each, with_content=False) for each in listed.templates]
    return Json({"data": found, "next_cursor": listed.next_page_token or None})


@routes.get("/v1/templates/{template_id}")
async def get_template(template_id: str, scheduler: CallerScheduler, version: Version = None) -> Response:
    """Read a template: its latest version, or the one asked for."""
    request = template_pb2.GetTemplateRequest(template_id=template_id, version=version or 0)
    return Json(templates.snake_case(await scheduler.call(scheduler.stubs.templates.GetTemplate, request)))


@routes.put("/v1/templates/{template_id}")
async def update_template(template_id: str, body: TemplateBody, scheduler: CallerScheduler) -> Response:
    """Replace a template's content with a new version."""
    request = template_pb2.UpdateTemplateRequest(template_id=template_id, content=templates.content(body))
    return Json(templates.snake_case(await scheduler.call(scheduler.stubs.templates.UpdateTemplate, request)))


@routes.delete("/v1/templates/{template_id}", status_code=204)
async def delete_template(template_id: str, scheduler: CallerScheduler) -> Response:
    """Delete a template; batches already submitted still render it."""
    request = template_pb2.DeleteTemplateRequest(template_id=template_id)
    await scheduler.call(scheduler.stubs.templates.DeleteTemplate, request)
    return Response(status_code=204)


@routes.get("/v1/usage")
async def get_usage(scheduler: CallerScheduler) -> Response:
    """Read the account's plan, its limits, what is running, and this month's renders."""
    standing = await scheduler.call(scheduler.stubs.accounts.GetUsage, account_pb2.GetUsageRequest())
    return Json(accounts.usage(standing))

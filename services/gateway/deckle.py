"""Routes of the Deckle dialect."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from pressline.account.v1 import account_pb2
from pressline.batch.v1 import batch_pb2
from pressline.template.v1 import template_pb2
from services.gateway.models.deckle import GenerateBatchBody
from services.gateway.models.templates import TemplateBody
from services.gateway.responses import Json, accepted
from services.gateway.routing import CallerScheduler, create_batch, router
from services.gateway.translate import deckle, templates
from services.gateway.translate.paths import DECKLE

routes = router()


@routes.post("/v1/generate/batch", status_code=202)
async def generate_batch(body: GenerateBatchBody, request: Request, scheduler: CallerScheduler) -> Response:
    """Make up to 100 PDFs."""
    created = await create_batch(request, scheduler, deckle.batch_spec(body), deckle.item_specs(body), DECKLE)
    return accepted(deckle.accepted(created), replayed=created.replayed)


@routes.get("/v1/generations/{generation_id}")
async def get_generation(generation_id: str, scheduler: CallerScheduler) -> Response:
    """Read one generation."""
    request = batch_pb2.GetItemRequest(item_id=generation_id)
    return Json(deckle.generation(await scheduler.call(scheduler.stubs.batches.GetItem, request)))


@routes.post("/v1/templates", status_code=201)
async def create_template(body: TemplateBody, scheduler: CallerScheduler) -> Response:
    """Store a template."""
    request = template_pb2.CreateTemplateRequest(content=templates.content(body))
    stored = await scheduler.call(scheduler.stubs.templates.CreateTemplate, request)
    return Json(templates.snake_case(stored), 201)


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
async def get_template(template_id: str, scheduler: CallerScheduler) -> Response:
    """Read a template's latest version."""
    request = template_pb2.GetTemplateRequest(template_id=template_id)
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
    """Read the account's plan, its limits and what is running."""
    standing = await scheduler.call(scheduler.stubs.accounts.GetUsage, account_pb2.GetUsageRequest())
    return Json(deckle.usage(standing))

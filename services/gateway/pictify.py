"""Routes of the Pictify dialect."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from pressline.batch.v1 import batch_pb2
from pressline.template.v1 import template_pb2
from services.common.errors import PresslineError, Violation, invalid, not_found
from services.gateway.models.pictify import BatchRenderBody
from services.gateway.models.templates import TemplateBody
from services.gateway.responses import Json, accepted
from services.gateway.routing import CallerScheduler, create_batch, router
from services.gateway.translate import pictify, templates
from services.gateway.translate.paths import PICTIFY

MAX_PAGE = 100_000
routes = router()


@routes.post("/templates", status_code=201)
async def create_template(body: TemplateBody, scheduler: CallerScheduler) -> Response:
    """Store a template."""
    request = template_pb2.CreateTemplateRequest(content=templates.content(body))
    stored = await scheduler.call(scheduler.stubs.templates.CreateTemplate, request)
    return Json(templates.camel_case(stored), 201)


@routes.get("/templates")
async def list_templates(
    scheduler: CallerScheduler, limit: Annotated[int, Query(ge=1, le=1000)] = 100, cursor: str = ""
) -> Response:
    """List templates, newest first."""
    request = template_pb2.ListTemplatesRequest(page_size=limit, page_token=cursor)
    listed = await scheduler.call(scheduler.stubs.templates.ListTemplates, request)
    found = [templates.camel_case(each, with_content=False) for each in listed.templates]
    return Json({"templates": found, "nextCursor": listed.next_page_token or None})


@routes.get("/templates/{uid}")
async def get_template(uid: str, scheduler: CallerScheduler) -> Response:
    """Read a template's latest version."""
    request = template_pb2.GetTemplateRequest(template_id=uid)
    return Json(templates.camel_case(await scheduler.call(scheduler.stubs.templates.GetTemplate, request)))


@routes.put("/templates/{uid}")
async def update_template(uid: str, body: TemplateBody, scheduler: CallerScheduler) -> Response:
    """Replace a template's content with a new version."""
    request = template_pb2.UpdateTemplateRequest(template_id=uid, content=templates.content(body))
    return Json(templates.camel_case(await scheduler.call(scheduler.stubs.templates.UpdateTemplate, request)))


@routes.delete("/templates/{uid}", status_code=204)
async def delete_template(uid: str, scheduler: CallerScheduler) -> Response:
    """Delete a template; batches already submitted still render it."""
    request = template_pb2.DeleteTemplateRequest(template_id=uid)
    await scheduler.call(scheduler.stubs.templates.DeleteTemplate, request)
    return Response(status_code=204)


@routes.post("/templates/{uid}/batch-render", status_code=202)
async def batch_render(uid: str, body: BatchRenderBody, request: Request, scheduler: CallerScheduler) -> Response:
    """Render one template with many rows."""
    spec, rows = pictify.batch_spec(uid, body), pictify.item_specs(body)
    try:
        created = await create_batch(request, scheduler, spec, rows, PICTIFY)
    except PresslineError as error:
        # The template is named by the path here, not by a field.
        if any(item.path == "template" for item in error.violations):
            raise not_found("template", uid) from error
        raise
    return accepted(pictify.accepted(created), replayed=created.replayed)


@routes.get("/templates/batch/{batch_id}/results")
async def batch_results(
    batch_id: str,
    scheduler: CallerScheduler,
    page: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 1,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    status: str | None = None,
) -> Response:
    """Read a batch and one page of its results."""
    if status is not None and status not in pictify.RESULT_STATES:
        raise invalid(Violation("status", f"must be one of {', '.join(sorted(pictify.RESULT_STATES))}"))
    batch = await scheduler.call(scheduler.stubs.batches.GetBatch, batch_pb2.GetBatchRequest(batch_id=batch_id))
    items = batch_pb2.ListItemsRequest(
        batch_id=batch_id,
        page_size=limit,
        skip=(page - 1) * limit,
        states=pictify.ENDED_STATES if status is None else pictify.RESULT_STATES[status],
    )
    listed = await scheduler.call(scheduler.stubs.batches.ListItems, items)
    return Json(pictify.results(batch, listed, page, limit))


@routes.post("/templates/batch/{batch_id}/cancel")
async def cancel_batch(batch_id: str, scheduler: CallerScheduler) -> Response:
    """Stop a batch; what is finished stays."""
    request = batch_pb2.CancelBatchRequest(batch_id=batch_id)
    return Json(pictify.cancelled(await scheduler.call(scheduler.stubs.batches.CancelBatch, request)))

"""Routes of the Pictify dialect."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import Depends, Query, Request, Response

from pressline.batch.v1 import batch_pb2
from pressline.template.v1 import template_pb2
from services.common.errors import PresslineError, Violation, invalid, not_found
from services.gateway import singles
from services.gateway.models.pictify import BatchRenderBody, RenderBody
from services.gateway.models.templates import TemplateBody
from services.gateway.responses import Json, created
from services.gateway.routing import CallerScheduler, Version, router, store_template
from services.gateway.submitting import Submission
from services.gateway.translate import pictify, templates
from services.gateway.translate.paths import PICTIFY, RENDER

MAX_PAGE = 100_000
routes = router()


@routes.post("/templates", status_code=201)
async def create_template(body: TemplateBody, request: Request, scheduler: CallerScheduler) -> Response:
    """Store a template, and list the variables that it takes."""
    stored = await store_template(request, scheduler, templates.content(body))
    return created(templates.camel_case(stored), replayed=stored.replayed)


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
async def get_template(uid: str, scheduler: CallerScheduler, version: Version = None) -> Response:
    """Read a template: its latest version, or the one asked for."""
    request = template_pb2.GetTemplateRequest(template_id=uid, version=version or 0)
    return Json(templates.camel_case(await scheduler.call(scheduler.stubs.templates.GetTemplate, request)))


@routes.get("/templates/{uid}/variables")
async def get_variables(uid: str, scheduler: CallerScheduler, version: Version = None) -> Response:
    """Read the variables that a template takes."""
    request = template_pb2.GetTemplateRequest(template_id=uid, version=version or 0)
    return Json(templates.variables_of(await scheduler.call(scheduler.stubs.templates.GetTemplate, request)))


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


@routes.post("/templates/{uid}/render", responses=singles.NOT_READY)
async def render(uid: str, body: RenderBody, request: Request, scheduler: CallerScheduler) -> Response:
    """Render one template with one row and wait for it; what takes too long is answered with 202 and goes on."""
    spec, row = pictify.single_spec(uid, body), batch_pb2.ItemSpec(data_json=body.variables)
    with _template_of_the_path(uid):
        single = await singles.render(request, scheduler, spec, row, RENDER)
    content = pictify.rendered(single.item, body.layouts or None) if single.ended else pictify.waiting(single.item)
    return single.marked(Json(content, single.status_code), f"/templates/batch/{single.item.batch_id}/results")


@routes.post("/templates/{uid}/batch-render", status_code=202)
async def batch_render(uid: str, body: BatchRenderBody, submission: Annotated[Submission, Depends()]) -> Response:
    """Render one template with many rows."""
    spec, rows = pictify.batch_spec(uid, body), pictify.item_specs(body)
    with _template_of_the_path(uid):
        return await submission.answer(spec, rows, PICTIFY, pictify.accepted)


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


@contextmanager
def _template_of_the_path(uid: str) -> Iterator[None]:
    """The template is named by the path here, not by a field."""
    try:
        yield
    except PresslineError as error:
        if any(item.path == "template" for item in error.violations):
            raise not_found("template", uid) from error
        raise

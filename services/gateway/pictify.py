"""Routes of the Pictify dialect."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

from fastapi import Depends, Path, Query, Request, Response

from pressline.batch.v1 import batch_pb2
from services.common.errors import PresslineError, not_found
from services.gateway import singles, submitting
from services.gateway.models.answers.pictify import BatchAccepted, BatchCancelled, BatchResults, Rendered, Waiting
from services.gateway.models.answers.templates import CamelTemplate, CamelTemplates, Variables
from services.gateway.models.pictify import BatchRenderBody, RenderBody
from services.gateway.openapi.refusals import refusals
from services.gateway.parameters import IDEMPOTENT, BatchId, Limit, Version
from services.gateway.responses import Json
from services.gateway.routing import CallerScheduler, router
from services.gateway.submitting import Submission
from services.gateway.templates import Dialect, add_routes, read
from services.gateway.translate import pictify, templates
from services.gateway.translate.paths import PICTIFY, RENDER, of_layout

MAX_PAGE = 100_000
_STATUS = "Only items in this state; `completed` and `succeeded` are one. Without it those that have ended."
ResultStatus = Literal["pending", "processing", "completed", "succeeded", "failed", "cancelled"]
TemplateId = Annotated[str, Path(description="Of the template.")]
routes = router("Pictify")
add_routes(
    routes,
    Dialect(
        path="/templates",
        id_name="uid",
        view=templates.camel_case,
        page=lambda found, cursor: {"templates": found, "nextCursor": cursor},
        answer=CamelTemplate,
        list_answer=CamelTemplates,
    ),
)


@routes.get("/templates/{uid}/variables", response_model=Variables)
async def get_variables(uid: TemplateId, scheduler: CallerScheduler, version: Version = None) -> Response:
    """Read the variables that a template takes."""
    return Json(templates.variables_of(await read(scheduler, uid, version)))


@routes.post(
    "/templates/{uid}/render",
    response_model=Rendered,
    responses=singles.not_ready(Waiting),
    dependencies=[IDEMPOTENT],
)
async def render(uid: TemplateId, body: RenderBody, request: Request, scheduler: CallerScheduler) -> Response:
    """Render one template with one row and wait for it; what takes too long is answered with 202 and goes on."""
    spec, row = pictify.single_spec(uid, body), batch_pb2.ItemSpec(data_json=body.variables)
    with _template_of_the_path(uid):
        single = await singles.render(request, scheduler, spec, row, of_layout(RENDER, body.layout))
    content = pictify.rendered(single.item, body.layouts or None) if single.ended else pictify.waiting(single.item)
    return single.marked(Json(content, single.status_code), f"/templates/batch/{single.item.batch_id}/results")


@routes.post(
    "/templates/{uid}/batch-render",
    status_code=202,
    response_model=BatchAccepted,
    responses=submitting.DRY_RUN,
    dependencies=[IDEMPOTENT],
)
async def batch_render(
    uid: TemplateId, body: BatchRenderBody, submission: Annotated[Submission, Depends()]
) -> Response:
    """Render one template with many rows."""
    spec, rows = pictify.batch_spec(uid, body), pictify.item_specs(body)
    with _template_of_the_path(uid):
        return await submission.answer(spec, rows, of_layout(PICTIFY, body.layout), pictify.accepted)


@routes.get("/templates/batch/{batch_id}/results", response_model=BatchResults, responses=refusals(410))
async def batch_results(
    batch_id: BatchId,
    scheduler: CallerScheduler,
    page: Annotated[int, Query(ge=1, le=MAX_PAGE, description="Counted from 1.")] = 1,
    limit: Limit = 100,
    status: Annotated[ResultStatus | None, Query(description=_STATUS)] = None,
) -> Response:
    """Read a batch and one page of its results."""
    batch = await scheduler.call(scheduler.stubs.batches.GetBatch, batch_pb2.GetBatchRequest(batch_id=batch_id))
    items = batch_pb2.ListItemsRequest(
        batch_id=batch_id,
        page_size=limit,
        skip=(page - 1) * limit,
        states=pictify.ENDED_STATES if status is None else pictify.RESULT_STATES[status],
    )
    listed = await scheduler.call(scheduler.stubs.batches.ListItems, items)
    return Json(pictify.results(batch, listed, page, limit))


@routes.post("/templates/batch/{batch_id}/cancel", response_model=BatchCancelled, responses=refusals(409, 410))
async def cancel_batch(batch_id: BatchId, scheduler: CallerScheduler) -> Response:
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

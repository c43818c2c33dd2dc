"""Routes of the Deckle dialect."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query, Request, Response

from pressline.account.v1 import account_pb2
from pressline.batch.v1 import batch_pb2
from services.gateway import inline, singles, submitting
from services.gateway.models.answers.accounts import Usage
from services.gateway.models.answers.deckle import (
    Generated,
    Generation,
    Generations,
    GenerationsAccepted,
    GenerationStatus,
)
from services.gateway.models.answers.templates import Template, Templates
from services.gateway.models.deckle import GenerateBatchBody, GenerationBody
from services.gateway.openapi.refusals import refusals
from services.gateway.parameters import IDEMPOTENT, Cursor
from services.gateway.responses import Json
from services.gateway.routing import CallerScheduler, router
from services.gateway.submitting import Submission
from services.gateway.templates import Dialect, add_routes
from services.gateway.translate import accounts, deckle, templates
from services.gateway.translate.paths import DECKLE, GENERATE

GenerationId = Annotated[str, Path(description="Of the generation; items of every API's batches are generations.")]
routes = router("Deckle")
add_routes(
    routes,
    Dialect(
        path="/v1/templates",
        id_name="template_id",
        view=templates.snake_case,
        page=lambda found, cursor: {"data": found, "next_cursor": cursor},
        answer=Template,
        list_answer=Templates,
    ),
)


@routes.post(
    "/v1/generate/batch",
    status_code=202,
    response_model=GenerationsAccepted,
    responses=submitting.DRY_RUN,
    dependencies=[IDEMPOTENT],
)
async def generate_batch(body: GenerateBatchBody, submission: Annotated[Submission, Depends()]) -> Response:
    """Make up to 100 PDFs."""
    return await submission.answer(deckle.batch_spec(body), deckle.item_specs(body), DECKLE, deckle.accepted)


@routes.post(
    "/v1/generate", response_model=Generated, responses=singles.not_ready(Generated), dependencies=[IDEMPOTENT]
)
async def generate(body: GenerationBody, request: Request, scheduler: CallerScheduler) -> Response:
    """Make one PDF and wait for it; one that takes too long is answered with 202 and goes on."""
    spec = batch_pb2.BatchSpec(dialect=batch_pb2.DIALECT_DECKLE)
    single = await singles.render(request, scheduler, spec, deckle.item_spec(body), GENERATE)
    answer = inline.answer(scheduler, single.item, deckle.rendered(single.item), single.status_code)
    return single.marked(answer, f"/v1/generations/{single.item.id}")


@routes.get("/v1/generations", response_model=Generations, responses=refusals(404, 410))
async def list_generations(
    scheduler: CallerScheduler,
    limit: Annotated[int, Query(ge=1, le=100, description="The most that a page holds.")] = 20,
    cursor: Cursor = "",
    status: Annotated[GenerationStatus | None, Query(description="Only generations in this state.")] = None,
    batch_id: Annotated[str, Query(description="Only those of this batch.")] = "",
    template_id: Annotated[str, Query(description="Only those that render this template.")] = "",
) -> Response:
    """List generations: those of newer batches first, of one batch by index. A page may be short of more to come."""
    request = batch_pb2.ListAccountItemsRequest(
        page_size=limit,
        page_token=cursor,
        states=deckle.STATES[status] if status else (),
        batch_id=batch_id,
        template_id=template_id,
    )
    return Json(deckle.generations(await scheduler.call(scheduler.stubs.batches.ListAccountItems, request)))


@routes.get("/v1/generations/{generation_id}", response_model=Generation, responses=refusals(410))
async def get_generation(generation_id: GenerationId, scheduler: CallerScheduler) -> Response:
    """Read one generation."""
    request = batch_pb2.GetItemRequest(item_id=generation_id)
    item = await scheduler.call(scheduler.stubs.batches.GetItem, request)
    return inline.answer(scheduler, item, deckle.generation(item))


@routes.get("/v1/usage", response_model=Usage)
async def get_usage(scheduler: CallerScheduler) -> Response:
    """Read the account's plan, its limits, what is running, and this month's renders."""
    standing = await scheduler.call(scheduler.stubs.accounts.GetUsage, account_pb2.GetUsageRequest())
    return Json(accounts.usage(standing))

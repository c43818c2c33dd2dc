"""The route that tries a batch again."""

from __future__ import annotations

from fastapi import Request, Response

from services.common.errors import PresslineError
from services.gateway.models.answers.native import Batch
from services.gateway.models.retries import RetryBody
from services.gateway.openapi.refusals import refusals
from services.gateway.parameters import IDEMPOTENT, BatchId
from services.gateway.responses import accepted
from services.gateway.routing import CallerScheduler, idempotency_key, router
from services.gateway.scheduler import CREATE_SECONDS
from services.gateway.translate import native, retries
from services.gateway.translate.paths import renamed

routes = router()
AS_IT_WAS = RetryBody()


@routes.post(
    "/v1/batches/{batch_id}:retry",
    status_code=202,
    response_model=Batch,
    responses=refusals(409, 410),
    dependencies=[IDEMPOTENT],
)
async def retry_batch(
    batch_id: BatchId, request: Request, scheduler: CallerScheduler, body: RetryBody | None = None
) -> Response:
    """Make a new batch of an ended one's failed items, or of its cancelled ones."""
    message = retries.request(batch_id, body or AS_IT_WAS, await idempotency_key(request))
    try:
        made = await scheduler.call(scheduler.stubs.batches.RetryBatch, message, CREATE_SECONDS)
    except PresslineError as error:
        raise renamed(error, retries.RENAMES) from error
    return accepted(native.batch(made.batch), replayed=made.replayed)

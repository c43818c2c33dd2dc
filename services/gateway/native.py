"""Routes of the native API: what neither dialect has."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from pressline.batch.v1 import batch_pb2
from pressline.webhook.v1 import webhook_pb2
from services.common.errors import Violation, invalid
from services.gateway import exports, submitting
from services.gateway.models.answers.accounts import SigningSecret
from services.gateway.models.answers.fields import BatchStatus
from services.gateway.models.answers.native import Batch, Batches, Deliveries, Items, ItemStatus
from services.gateway.models.native import BatchBody
from services.gateway.openapi.refusals import refusals
from services.gateway.parameters import IDEMPOTENT, BatchId, Cursor, Limit
from services.gateway.responses import Json
from services.gateway.routing import CallerScheduler, router
from services.gateway.submitting import Submission
from services.gateway.translate import native
from services.gateway.translate.paths import NATIVE
from services.gateway.translate.values import BATCH_STATE_VALUES, ITEM_STATES

routes = router()


@routes.post(
    "/v1/batches", status_code=202, response_model=Batch, responses=submitting.DRY_RUN, dependencies=[IDEMPOTENT]
)
async def submit_batch(body: BatchBody, submission: Annotated[Submission, Depends()]) -> Response:
    """Accept a batch of images, PDFs or both."""
    spec, items = native.batch_spec(body), native.item_specs(body)
    return await submission.answer(spec, items, NATIVE, lambda created: native.batch(created.batch))


@routes.get("/v1/batches", response_model=Batches)
async def list_batches(
    scheduler: CallerScheduler,
    limit: Annotated[int, Query(ge=1, le=100, description="The most that a page holds.")] = 20,
    cursor: Cursor = "",
    status: Annotated[BatchStatus | None, Query(description="Only batches in this state.")] = None,
) -> Response:
    """List batches, newest first."""
    request = batch_pb2.ListBatchesRequest(
        page_size=limit, page_token=cursor, states=[BATCH_STATE_VALUES[status]] if status else []
    )
    return Json(native.batches(await scheduler.call(scheduler.stubs.batches.ListBatches, request)))


@routes.get("/v1/batches/{batch_id}", response_model=Batch, responses=refusals(410))
async def get_batch(batch_id: BatchId, scheduler: CallerScheduler) -> Response:
    """Read a batch with its counts."""
    request = batch_pb2.GetBatchRequest(batch_id=batch_id)
    return Json(native.batch(await scheduler.call(scheduler.stubs.batches.GetBatch, request)))


@routes.get("/v1/batches/{batch_id}/items", response_model=Items, responses=exports.FORMS | refusals(410))
async def list_items(
    batch_id: BatchId,
    request: Request,
    scheduler: CallerScheduler,
    limit: Limit = 100,
    cursor: Cursor = "",
    status: Annotated[ItemStatus | None, Query(description="Only items in this state.")] = None,
    form: Annotated[exports.Form | None, Query(alias="format", description="Wins over the Accept header.")] = None,
) -> Response:
    """List a batch's items by index: a page as JSON; all of them as NDJSON or CSV, by `format` or the Accept header."""
    states = ITEM_STATES[status] if status else []
    chosen = form or exports.wanted(request.headers.get("accept", ""))
    if chosen != "json":
        paging = [name for name in ("limit", "cursor") if name in request.query_params]
        if paging:
            raise invalid(*(Violation(name, f"is for pages of JSON; {chosen} holds every item") for name in paging))
        return await exports.export(scheduler, batch_id, states, chosen)
    page = batch_pb2.ListItemsRequest(
        batch_id=batch_id,
        page_size=limit,
        from_index=native.index_of(cursor) if cursor else 0,
        states=states,
    )
    return Json(native.items(await scheduler.call(scheduler.stubs.batches.ListItems, page)))


@routes.delete("/v1/batches/{batch_id}", status_code=204, responses=refusals(409, 410))
async def delete_batch(batch_id: BatchId, scheduler: CallerScheduler) -> Response:
    """Delete an ended batch with its items and files; reading it is 410 from then on."""
    await scheduler.call(scheduler.stubs.batches.DeleteBatch, batch_pb2.DeleteBatchRequest(batch_id=batch_id))
    return Response(status_code=204)


@routes.post("/v1/batches/{batch_id}:cancel", response_model=Batch, responses=refusals(409, 410))
async def cancel_batch(batch_id: BatchId, scheduler: CallerScheduler) -> Response:
    """Stop a batch; what is finished stays."""
    request = batch_pb2.CancelBatchRequest(batch_id=batch_id)
    return Json(native.batch(await scheduler.call(scheduler.stubs.batches.CancelBatch, request)))


@routes.get("/v1/batches/{batch_id}/deliveries", response_model=Deliveries, responses=refusals(410))
async def list_deliveries(batch_id: BatchId, scheduler: CallerScheduler) -> Response:
    """List the webhook deliveries of a batch with every attempt."""
    request = webhook_pb2.ListDeliveriesRequest(batch_id=batch_id)
    return Json(native.deliveries(await scheduler.call(scheduler.stubs.webhooks.ListDeliveries, request)))


@routes.get("/v1/webhooks/secret", response_model=SigningSecret)
async def get_signing_secret(scheduler: CallerScheduler) -> Response:
    """Read the secret that signs webhooks to per-batch URLs."""
    request = webhook_pb2.GetSigningSecretRequest()
    found = await scheduler.call(scheduler.stubs.webhooks.GetSigningSecret, request)
    return Json({"secret": found.secret})

"""Routes of the native API: what neither dialect has."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query, Request, Response

from pressline.batch.v1 import batch_pb2
from pressline.webhook.v1 import webhook_pb2
from services.gateway.models.native import BatchBody
from services.gateway.responses import Json, accepted
from services.gateway.routing import CallerScheduler, create_batch, router
from services.gateway.translate import native
from services.gateway.translate.paths import NATIVE
from services.gateway.translate.values import ITEM_STATES

routes = router()


@routes.post("/v1/batches", status_code=202)
async def submit_batch(body: BatchBody, request: Request, scheduler: CallerScheduler) -> Response:
    """Accept a batch of images, PDFs or both."""
    created = await create_batch(request, scheduler, native.batch_spec(body), native.item_specs(body), NATIVE)
    return accepted(native.batch(created.batch), replayed=created.replayed)


@routes.get("/v1/batches/{batch_id}")
async def get_batch(batch_id: str, scheduler: CallerScheduler) -> Response:
    """Read a batch with its counts."""
    request = batch_pb2.GetBatchRequest(batch_id=batch_id)
    return Json(native.batch(await scheduler.call(scheduler.stubs.batches.GetBatch, request)))


@routes.get("/v1/batches/{batch_id}/items")
async def list_items(
    batch_id: str,
    scheduler: CallerScheduler,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: str = "",
    status: Literal["pending", "processing", "succeeded", "failed", "cancelled"] | None = None,
) -> Response:
    """List a batch's items by index."""
    request = batch_pb2.ListItemsRequest(
        batch_id=batch_id,
        page_size=limit,
        from_index=native.index_of(cursor) if cursor else 0,
        states=ITEM_STATES[status] if status else [],
    )
    return Json(native.items(await scheduler.call(scheduler.stubs.batches.ListItems, request)))


@routes.post("/v1/batches/{batch_id}:cancel")
async def cancel_batch(batch_id: str, scheduler: CallerScheduler) -> Response:
    """Stop a batch; what is finished stays."""
    request = batch_pb2.CancelBatchRequest(batch_id=batch_id)
    return Json(native.batch(await scheduler.call(scheduler.stubs.batches.CancelBatch, request)))


@routes.get("/v1/batches/{batch_id}/deliveries")
async def list_deliveries(batch_id: str, scheduler: CallerScheduler) -> Response:
    """List the webhook deliveries of a batch with every attempt."""
    request = webhook_pb2.ListDeliveriesRequest(batch_id=batch_id)
    return Json(native.deliveries(await scheduler.call(scheduler.stubs.webhooks.ListDeliveries, request)))


@routes.get("/v1/webhooks/secret")
async def get_signing_secret(scheduler: CallerScheduler) -> Response:
    """Read the secret that signs webhooks to per-batch URLs."""
    request = webhook_pb2.GetSigningSecretRequest()
    found = await scheduler.call(scheduler.stubs.webhooks.GetSigningSecret, request)
    return Json({"secret": found.secret})

"""Routes of what happens: the progress of a batch as a stream, the feed of events, and deliveries sent again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Header, Path, Query, Request, Response

from pressline.event.v1 import event_pb2
from pressline.webhook.v1 import webhook_pb2
from services.gateway import sse
from services.gateway.follow import Follower, following
from services.gateway.models.answers.events import Events
from services.gateway.models.answers.native import Delivery
from services.gateway.openapi.refusals import refusals
from services.gateway.parameters import BatchId
from services.gateway.responses import Json
from services.gateway.routing import CallerScheduler, router
from services.gateway.translate import events, native

MAX_SEQUENCE = 10**15
routes = router()


async def _follower(batch_id: BatchId, request: Request, scheduler: CallerScheduler) -> AsyncIterator[Follower]:
    # Let go when the answer is over, however it ends.
    state = request.app.state
    with state.streams.held(request.state.account_id):
        async with following(scheduler, batch_id, state.stop) as follower:
            yield follower


@routes.get(
    "/v1/batches/{batch_id}/events",
    status_code=200,
    response_class=sse.EventStream,
    responses=sse.DESCRIBED | refusals(410),
)
async def stream_progress(
    follower: Annotated[Follower, Depends(_follower)],
    last_event_id: Annotated[
        str | None, Header(alias="Last-Event-ID", description="Of the last event that was seen.")
    ] = None,
) -> Response:
    """Follow a batch as server-sent events: how it is now, every change, and its end."""
    seen, first = sse.seen_revision(last_event_id), await follower.first()
    if first.HasField("end_time") and first.revision == seen:
        # Tells an EventSource that came back after the end to stay away.
        return Response(status_code=204)
    return sse.EventStream(sse.progress(first, follower, seen))


@routes.get("/v1/events", response_model=Events)
async def list_events(
    scheduler: CallerScheduler,
    after: Annotated[int, Query(ge=0, le=MAX_SEQUENCE, description="The last sequence that was seen.")] = 0,
    limit: Annotated[int, Query(ge=1, le=100, description="The most that a page holds.")] = 100,
) -> Response:
    """List events, oldest first: what webhooks push, kept for 30 days."""
    request = event_pb2.ListEventsRequest(after_sequence=after, page_size=limit)
    return Json(events.feed(await scheduler.call(scheduler.stubs.events.ListEvents, request)))


@routes.post("/v1/deliveries/{delivery_id}:resend", response_model=Delivery, responses=refusals(409, 410))
async def resend_delivery(
    delivery_id: Annotated[str, Path(description="Of the delivery.")], scheduler: CallerScheduler
) -> Response:
    """Send a webhook delivery again, at once: the same event, the same body, a new series of attempts."""
    request = webhook_pb2.ResendDeliveryRequest(delivery_id=delivery_id)
    return Json(native.delivery(await scheduler.call(scheduler.stubs.webhooks.ResendDelivery, request)))

"""Routes of webhook subscriptions, in the manner of the Pictify dialect."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request, Response

from pressline.webhook.v1 import webhook_pb2
from services.gateway.models.answers.subscriptions import NewSubscription, Subscriptions
from services.gateway.models.subscriptions import SubscriptionBody
from services.gateway.parameters import IDEMPOTENT
from services.gateway.responses import REPLAYED_HEADER, Json
from services.gateway.routing import CallerScheduler, idempotency_key, router
from services.gateway.translate import events

routes = router("Pictify")


@routes.post("/webhook-subscriptions", status_code=201, response_model=NewSubscription, dependencies=[IDEMPOTENT])
async def create_subscription(body: SubscriptionBody, request: Request, scheduler: CallerScheduler) -> Response:
    """Subscribe a receiver to events of every batch. The answer is the only one that shows its signing secret."""
    message = webhook_pb2.CreateSubscriptionRequest(
        url=body.url, events=body.events, idempotency=await idempotency_key(request)
    )
    made = await scheduler.call(scheduler.stubs.webhooks.CreateSubscription, message)
    answer = Json(events.subscription(made), 201)
    if made.replayed:
        answer.headers[REPLAYED_HEADER] = "true"
    return answer


@routes.get("/webhook-subscriptions", response_model=Subscriptions)
async def list_subscriptions(scheduler: CallerScheduler) -> Response:
    """List subscriptions, oldest first; there are at most 20."""
    request = webhook_pb2.ListSubscriptionsRequest()
    listed = await scheduler.call(scheduler.stubs.webhooks.ListSubscriptions, request)
    return Json({"subscriptions": [events.subscription(each) for each in listed.subscriptions]})


@routes.delete("/webhook-subscriptions/{subscription_id}", status_code=204)
async def delete_subscription(
    subscription_id: Annotated[str, Path(description="Of the subscription.")], scheduler: CallerScheduler
) -> Response:
    """End a subscription; what is not delivered by then is not sent any more."""
    request = webhook_pb2.DeleteSubscriptionRequest(subscription_id=subscription_id)
    await scheduler.call(scheduler.stubs.webhooks.DeleteSubscription, request)
    return Response(status_code=204)

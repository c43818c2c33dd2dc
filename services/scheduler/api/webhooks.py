"""pressline.webhook.v1: WebhookService for key holders, DeliveryService for notifiers."""

from __future__ import annotations

from typing import Any

import grpc

from pressline.webhook.v1 import webhook_pb2, webhook_pb2_grpc
from services.common.errors import Violation, invalid
from services.scheduler.api.caller import Callers
from services.scheduler.api.removals import removal
from services.scheduler.deliveries import DeliveryDesk
from services.scheduler.ownership import Ownership
from services.scheduler.receivers import Room
from services.scheduler.signing import SigningSecrets
from services.scheduler.subscriptions import SubscriptionDesk

Context = grpc.aio.ServicerContext[Any, Any]
SHORTEST_LEASE_MS, LONGEST_LEASE_MS = 1_000, 600_000


class WebhookService(webhook_pb2_grpc.WebhookServiceServicer):
    """Webhooks of the calling account."""

    def __init__(
        self,
        callers: Callers,
        desk: DeliveryDesk,
        ownership: Ownership,
        signing: SigningSecrets,
        subscriptions: SubscriptionDesk,
    ) -> None:
        self._callers = callers
        self._desk = desk
        self._signing = signing
        self._ownership = ownership
        self._subscriptions = subscriptions

    async def GetSigningSecret(
        self, _request: webhook_pb2.GetSigningSecretRequest, context: Context
    ) -> webhook_pb2.SigningSecret:
        """The account's secret."""
        return await self._signing.show(await self._callers.caller(context))

    async def RotateSigningSecret(
        self, _request: webhook_pb2.RotateSigningSecretRequest, context: Context
    ) -> webhook_pb2.SigningSecret:
        """A new secret."""
        return await self._signing.rotate(await self._callers.caller(context))

    async def ListDeliveries(
        self, request: webhook_pb2.ListDeliveriesRequest, context: Context
    ) -> webhook_pb2.ListDeliveriesResponse:
        """The deliveries of a batch."""
        account = await self._callers.account(context)
        await self._ownership.batch(account["_id"], request.batch_id)
        return webhook_pb2.ListDeliveriesResponse(deliveries=await self._desk.of_batch(request.batch_id))

    async def ResendDelivery(
        self, request: webhook_pb2.ResendDeliveryRequest, context: Context
    ) -> webhook_pb2.Delivery:
        """Send a delivery again."""
        account = await self._callers.account(context)
        return await self._desk.resend(account["_id"], request.delivery_id)

    async def CreateSubscription(
        self, request: webhook_pb2.CreateSubscriptionRequest, context: Context
    ) -> webhook_pb2.Subscription:
        """Subscribe a receiver."""
        account = await self._callers.account(context)
        return await self._subscriptions.create(account["_id"], request)

    async def ListSubscriptions(
        self, _request: webhook_pb2.ListSubscriptionsRequest, context: Context
    ) -> webhook_pb2.ListSubscriptionsResponse:
        """The account's subscriptions."""
        account = await self._callers.account(context)
        subscriptions = await self._subscriptions.of_account(account["_id"])
        return webhook_pb2.ListSubscriptionsResponse(subscriptions=subscriptions)

    async def DeleteSubscription(
        self, request: webhook_pb2.DeleteSubscriptionRequest, context: Context
    ) -> webhook_pb2.DeleteSubscriptionResponse:
        """End a subscription."""
        account = await self._callers.account(context)
        with removal(context):
            await self._subscriptions.delete(account["_id"], request.subscription_id)
        return webhook_pb2.DeleteSubscriptionResponse()


class DeliveryService(webhook_pb2_grpc.DeliveryServiceServicer):
    """Work for notifiers."""

    def __init__(self, desk: DeliveryDesk) -> None:
        self._desk = desk

    async def LeaseDeliveries(
        self, request: webhook_pb2.LeaseDeliveriesRequest, _context: Context
    ) -> webhook_pb2.LeaseDeliveriesResponse:
        """Lease what is due."""
        lease_ms = request.lease_duration.ToMilliseconds()
        if not SHORTEST_LEASE_MS <= lease_ms <= LONGEST_LEASE_MS:
            raise invalid(Violation("lease_duration", "is from 1 to 600 seconds"))
        room = Room(request.max_per_receiver, request.held)
        deliveries = await self._desk.lease(request.max_deliveries, lease_ms, room)
        return webhook_pb2.LeaseDeliveriesResponse(deliveries=deliveries)

    async def RecordAttempt(
        self, request: webhook_pb2.RecordAttemptRequest, _context: Context
    ) -> webhook_pb2.RecordAttemptResponse:
        """Record an attempt."""
        await self._desk.record(request)
        return webhook_pb2.RecordAttemptResponse()

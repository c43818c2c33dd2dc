"""pressline.webhook.v1: WebhookService for key holders, DeliveryService for notifiers."""

from __future__ import annotations

from typing import Any

import grpc

from pressline.webhook.v1 import webhook_pb2, webhook_pb2_grpc
from services.common.errors import Violation, invalid, not_found
from services.scheduler.api.caller import Callers
from services.scheduler.deliveries import DeliveryDesk
from services.scheduler.store.batches import Batches

Context = grpc.aio.ServicerContext[Any, Any]
SHORTEST_LEASE_MS, LONGEST_LEASE_MS = 1_000, 600_000


class WebhookService(webhook_pb2_grpc.WebhookServiceServicer):
    """What a key holder may read about webhooks."""

    def __init__(self, callers: Callers, desk: DeliveryDesk, batches: Batches) -> None:
        self._callers = callers
        self._desk = desk
        self._batches = batches

    async def GetSigningSecret(
        self, _request: webhook_pb2.GetSigningSecretRequest, context: Context
    ) -> webhook_pb2.SigningSecret:
        """The account's secret."""
        account = await self._callers.account(context)
        return webhook_pb2.SigningSecret(secret=await self._desk.secret(account["_id"]))

    async def ListDeliveries(
        self, request: webhook_pb2.ListDeliveriesRequest, context: Context
    ) -> webhook_pb2.ListDeliveriesResponse:
        """The deliveries of a batch."""
        account = await self._callers.account(context)
        batch = await self._batches.get(request.batch_id)
        if batch is None or batch["account_id"] != account["_id"]:
            raise not_found("batch", request.batch_id)
        return webhook_pb2.ListDeliveriesResponse(deliveries=await self._desk.of_batch(request.batch_id))


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
        deliveries = await self._desk.lease(request.max_deliveries, lease_ms)
        return webhook_pb2.LeaseDeliveriesResponse(deliveries=deliveries)

    async def RecordAttempt(
        self, request: webhook_pb2.RecordAttemptRequest, _context: Context
    ) -> webhook_pb2.RecordAttemptResponse:
        """Record an attempt."""
        await self._desk.record(request)
        return webhook_pb2.RecordAttemptResponse()

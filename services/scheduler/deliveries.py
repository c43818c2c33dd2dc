"""The notifiers' side of webhook deliveries: lease what is due, record how it went."""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from cryptography.exceptions import InvalidTag

from pressline.webhook.v1 import webhook_pb2
from services.common.errors import PresslineError, Reason, Violation, invalid, not_found
from services.common.failpoints import Failpoint, failpoint
from services.scheduler import clock
from services.scheduler.receivers import Room
from services.scheduler.signing import SigningSecrets
from services.scheduler.store.database import Document
from services.scheduler.stores import Stores
from services.scheduler.subscriptions import SubscriptionDesk

MAX_LEASED = 100
# Sending again and again must not make a delivery grow without end; the newest attempts are kept.
MAX_SHOWN_ATTEMPTS = 100
log = structlog.get_logger()
_STATES: Mapping[webhook_pb2.DeliveryState.ValueType, str] = {
    webhook_pb2.DELIVERY_STATE_PENDING: "pending",
    webhook_pb2.DELIVERY_STATE_DELIVERED: "delivered",
    webhook_pb2.DELIVERY_STATE_DEAD: "dead",
    webhook_pb2.DELIVERY_STATE_DISABLED: "disabled",
}
_VALUES = {name: value for value, name in _STATES.items()}


class DeliveryDesk:
    """What the delivery and webhook services do."""

    def __init__(self, stores: Stores, signing: SigningSecrets, subscriptions: SubscriptionDesk) -> None:
        self._stores = stores
        self._signing = signing
        self._subscriptions = subscriptions

    async def lease(self, limit: int, lease_ms: int, room: Room) -> list[webhook_pb2.DueDelivery]:
        """Lease due deliveries that there is room for, with the secrets to sign them."""
        now = clock.now_ms()
        rows = await self._stores.deliveries.lease(min(max(limit, 1), MAX_LEASED), now, now + lease_ms, room)
        if rows:
            failpoint(Failpoint.DELIVER_LEASED)
        due = [await self._due(row) for row in rows]
        return [delivery for delivery in due if delivery is not None]

    async def record(self, request: webhook_pb2.RecordAttemptRequest) -> None:
        """Record an attempt; recording the same one again succeeds."""
        if request.state not in _STATES:
            raise invalid(Violation("state", "is required"))
        delivery = await self._stores.deliveries.get(request.id)
        if delivery is None:
            raise not_found("delivery", request.id)
        attempt = request.attempt.SerializeToString()
        if attempt not in delivery["attempts"]:
            change = {
                "state": _STATES[request.state],
                "attempts": [*delivery["attempts"], attempt][-MAX_SHOWN_ATTEMPTS:],
                "next_ms": request.next_time.ToMilliseconds(),
            }
            if not await self._stores.deliveries.record(request.id, request.token, delivery["attempts_made"], change):
                raise PresslineError(Reason.STALE_ATTEMPT, "The delivery is leased by another notifier.")
            failpoint(Failpoint.DELIVER_RECORDED)
        if request.state == webhook_pb2.DELIVERY_STATE_DISABLED and delivery["subscription_id"]:
            await self._stores.subscriptions.disable(delivery["account_id"], delivery["subscription_id"])

    async def resend(self, account_id: str, delivery_id: str) -> webhook_pb2.Delivery:
        """Send an account's delivery again, at once.

        Raises:
            PresslineError: NOT_FOUND, or CONFLICT when its receiver wants no more.
        """
        resent = await self._stores.deliveries.resend(delivery_id, account_id, clock.now_ms())
        row = await self._stores.deliveries.get(delivery_id)
        if row is None or row["account_id"] != account_id:
            raise not_found("delivery", delivery_id)
        if not resent:
            raise PresslineError(Reason.CONFLICT, "The receiver of this delivery wants no more.")
        return _view(row)

    async def of_batch(self, batch_id: str) -> list[webhook_pb2.Delivery]:
        """The deliveries of a batch."""
        return [_view(row) for row in await self._stores.deliveries.of_batch(batch_id)]

    async def _due(self, row: Document) -> webhook_pb2.DueDelivery | None:
        try:
            secrets = await self._secrets(row)
        except (PresslineError, InvalidTag) as error:
            # One account without a readable secret must not hold up the others' deliveries.
            log.warning("delivery.unsignable", delivery=row["_id"], account=row["account_id"], error=repr(error))
            return None
        if not secrets:
            await self._stores.deliveries.drop(row)
            return None
        return webhook_pb2.DueDelivery(
            id=row["_id"],
            token=row["token"],
            event_id=row["event_id"],
            url=row["url"],
            body=row["body"],
            secrets=secrets,
            attempts_made=row["attempts_made"],
            receiver=row.get("receiver", ""),
        )

    async def _secrets(self, row: Document) -> list[str]:
        """What signs a delivery; nothing when its subscription has ended."""
        if not row["subscription_id"]:
            return await self._signing.of_account(row["account_id"])
        secret = await self._subscriptions.secret(row["account_id"], row["subscription_id"])
        return [secret] if secret else []


def _view(row: Document) -> webhook_pb2.Delivery:
    delivery = webhook_pb2.Delivery(
        id=row["_id"],
        event_id=row["event_id"],
        url=row["url"],
        state=_VALUES[row["state"]],
        attempts=[webhook_pb2.Attempt.FromString(attempt) for attempt in row["attempts"]],
    )
    if row["state"] == "pending":
        delivery.next_time.FromMilliseconds(row["next_ms"])
    return delivery

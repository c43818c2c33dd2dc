"""Webhook subscriptions: made, listed, ended, and the secrets that sign for them."""

from __future__ import annotations

from collections.abc import Iterator

from pressline.webhook.v1 import webhook_pb2
from services.common import ids
from services.common.addresses import AllowList
from services.common.errors import PresslineError, Reason, Violation, invalid, not_found
from services.scheduler import checks, clock, envelope, keys, receivers
from services.scheduler.keys import Vault
from services.scheduler.once import Once
from services.scheduler.store.database import Document
from services.scheduler.store.subscriptions import LIMIT, Subscriptions

EVENT_TYPES = (envelope.EVENT_TYPE,)


class SubscriptionDesk:
    """What the webhook service does with subscriptions.

    Args:
        subscriptions: where they are kept.
        vault: seals their secrets.
        once: answers repeated calls.
        allow: receivers that may be reached although their address is not public.
    """

    def __init__(self, subscriptions: Subscriptions, vault: Vault, once: Once, allow: AllowList) -> None:
        self._subscriptions = subscriptions
        self._vault = vault
        self._once = once
        self._allow = allow

    async def create(self, account_id: str, request: webhook_pb2.CreateSubscriptionRequest) -> webhook_pb2.Subscription:
        """Subscribe a receiver. The answer is the only one that shows its secret.

        Raises:
            PresslineError: VALIDATION_ERROR, CONFLICT when the account has as many as it may.
        """
        if violations := list(self._violations(request)):
            raise invalid(*violations)

        async def make(subscription_id: str) -> webhook_pb2.Subscription:
            return _view(await self._made(account_id, subscription_id, request))

        made = await self._once.create(account_id, request.idempotency, ids.new("sub"), make, webhook_pb2.Subscription)
        # Added here, so that it is nowhere stored in the clear.
        made.secret = await self.secret(account_id, made.id) or ""
        return made

    async def of_account(self, account_id: str) -> list[webhook_pb2.Subscription]:
        """An account's subscriptions, oldest first."""
        return [_view(row) for row in await self._subscriptions.of_account(account_id)]

    async def delete(self, account_id: str, subscription_id: str) -> None:
        """End a subscription.

        Raises:
            PresslineError: NOT_FOUND.
        """
        if not await self._subscriptions.delete(account_id, subscription_id):
            raise not_found("webhook subscription", subscription_id)

    async def secret(self, account_id: str, subscription_id: str) -> str | None:
        """What signs for a subscription; None when it has ended or is disabled."""
        row = await self._subscriptions.get(account_id, subscription_id)
        if row is None or row["disabled"]:
            return None
        return self._vault.decrypt(row["secret"], _owner(account_id, subscription_id))

    async def _made(
        self, account_id: str, subscription_id: str, request: webhook_pb2.CreateSubscriptionRequest
    ) -> Document:
        earlier = await self._subscriptions.get(account_id, subscription_id)
        if earlier is not None:
            return earlier
        row: Document = {
            "subscription_id": subscription_id,
            "url": request.url,
            "events": list(dict.fromkeys(request.events)),
            "disabled": False,
            "secret": self._vault.encrypt(keys.new_webhook_secret(), _owner(account_id, subscription_id)),
            "created_ms": clock.now_ms(),
        }
        if not await self._subscriptions.insert(account_id, row):
            raise PresslineError(Reason.CONFLICT, f"An account has at most {LIMIT} webhook subscriptions.")
        return row

    def _violations(self, request: webhook_pb2.CreateSubscriptionRequest) -> Iterator[Violation]:
        yield from checks.idempotency(request.idempotency, "idempotency")
        if fault := receivers.fault(request.url, self._allow):
            yield Violation("url", fault)
        if not request.events:
            yield Violation("events", "names at least one event")
        for index, name in enumerate(request.events):
            if name not in EVENT_TYPES:
                yield Violation(f"events[{index}]", f"is one of {', '.join(EVENT_TYPES)}")


def _owner(account_id: str, subscription_id: str) -> str:
    return f"{account_id}/{subscription_id}"


def _view(row: Document) -> webhook_pb2.Subscription:
    return webhook_pb2.Subscription(
        id=row["subscription_id"],
        url=row["url"],
        events=row["events"],
        disabled=row["disabled"],
        create_time=clock.timestamp(row["created_ms"]),
    )

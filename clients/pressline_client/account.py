"""What belongs to the account: its keys, its webhook subscriptions, its feed of events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

from pressline_client.account_models import Event, Key, NewKey, Scope, Subscription
from pressline_client.paging import everything
from pressline_client.transport import Transport

PAGE = 100


class Keys:
    """Makes and ends API keys; needs the scope `admin`. Every call raises `PresslineError` when it is refused."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self,
        name: str,
        *,
        scopes: Sequence[Scope] | None = None,
        form: Literal["pk_live", "pk_test", "dk_live_sk"] = "pk_live",
        expires_at: datetime | None = None,
    ) -> NewKey:
        """Make a key.

        Args:
            name: for people.
            scopes: what it may be used for; None means everything.
            form: how it begins.
            expires_at: when it ends, with an offset; None means never.
        """
        given = {
            "scopes": scopes and list(scopes),
            "expires_at": expires_at and expires_at.isoformat(),
        }
        body = {name: value for name, value in given.items() if value is not None} | {"name": name, "form": form}
        return NewKey.model_validate(self._transport.create("/v1/keys", body))

    def list(self) -> Iterator[Key]:
        """The keys that open the account, newest first."""
        return map(Key.model_validate, everything(self._transport, "/v1/keys", {}))

    def rotate(self, key_id: str, *, grace_seconds: int | None = None) -> NewKey:
        """Make a key that takes another one's place, which works on for a while: a day unless told otherwise."""
        body = {} if grace_seconds is None else {"grace_seconds": grace_seconds}
        return NewKey.model_validate(self._transport.create(f"/v1/keys/{key_id}:rotate", body))

    def revoke(self, key_id: str) -> None:
        """End a key at once."""
        self._transport.delete(f"/v1/keys/{key_id}")


class Subscriptions:
    """Receivers of the account's events; needs the scope `admin`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, url: str, events: Sequence[str] = ("batch.completed",)) -> Subscription:
        """Tell a public address of events; the answer shows the secret that signs them."""
        made = self._transport.create("/webhook-subscriptions", {"url": url, "events": list(events)})
        return Subscription.model_validate(made)

    def list(self) -> Iterator[Subscription]:
        """All of them."""
        return map(Subscription.model_validate, self._transport.get("/webhook-subscriptions")["subscriptions"])

    def delete(self, subscription_id: str) -> None:
        """Tell a receiver nothing any more."""
        self._transport.delete(f"/webhook-subscriptions/{subscription_id}")


class Events:
    """The account's feed of events, kept for 30 days."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, after: int = 0) -> Iterator[Event]:
        """What came after a sequence, oldest first, up to now; keep the last `sequence` for the next time."""
        params = {"after": after, "limit": PAGE}
        return map(Event.model_validate, everything(self._transport, "/v1/events", params, cursor="after"))

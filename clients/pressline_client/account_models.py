"""An account's keys, subscriptions and events as the service answers them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from pressline_client.models import Model

Scope = Literal["submit", "read", "admin"]


class Key(Model):
    """An API key, without what opens the account."""

    id: str
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime | None = None
    last_used_at: datetime | None = None
    expires_at: datetime | None = None


class NewKey(Key):
    """A key that was just made; `key` is shown here and never again."""

    key: str = Field(repr=False)


EgressMode = Literal["public", "allowlist", "none"]


class Egress(Model):
    """What the account's documents may load from elsewhere; `hosts` are the only ones of an allowlist."""

    mode: EgressMode
    hosts: list[str]


class Subscription(Model):
    """A receiver of the account's events. `secret` is there once, in the answer that made it."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    id: str
    url: str
    events: list[str]
    active: bool = True
    created_at: datetime | None = None
    secret: str | None = Field(None, repr=False)


class Event(Model):
    """What webhooks were told; `sequence` grows with every event of the account."""

    id: str
    sequence: int
    type: str
    timestamp: datetime
    data: dict[str, Any]

"""Webhook subscriptions."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from services.gateway.models.answers.fields import Address, Moment

_SUBSCRIPTION: dict[str, Any] = {
    "id": "sub_7k2m9q4x1c8v5b3n",
    "url": "https://example.com/hook",
    "events": ["batch.completed"],
    "active": True,
    "createdAt": "2030-01-31T12:00:00Z",
}


class Subscription(BaseModel):
    """A receiver of events of the whole account."""

    model_config = ConfigDict(alias_generator=to_camel)

    id: str
    url: Address
    events: list[Literal["batch.completed"]]
    active: bool = Field(description="False once the receiver has answered 410.")
    created_at: Moment


class NewSubscription(Subscription):
    """A subscription that was just made."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_SUBSCRIPTION, "secret": "whsec_c2VjcmV0…"}]})

    secret: str = Field(description="Signs what it is sent; shown here and never again.")


class Subscriptions(BaseModel):
    """All subscriptions."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"subscriptions": [_SUBSCRIPTION]}]})

    subscriptions: list[Subscription]

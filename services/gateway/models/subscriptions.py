"""Requests about webhook subscriptions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from services.gateway.models.fields import Lenient, WebhookUrl


class SubscriptionBody(Lenient):
    """A receiver of events of the whole account."""

    url: WebhookUrl
    events: Annotated[list[Literal["batch.completed"]], Field(min_length=1, max_length=10)]

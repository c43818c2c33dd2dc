"""Requests about webhook subscriptions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from services.gateway.models.fields import Lenient, WebhookUrl, examples


class SubscriptionBody(Lenient):
    """A receiver of events of the whole account."""

    model_config = examples({"url": "https://example.com/hook", "events": ["batch.completed"]})

    url: WebhookUrl = Field(description="The receiver; a public address.")
    events: Annotated[
        list[Literal["batch.completed"]], Field(min_length=1, max_length=10, description="What it is told of.")
    ]

"""The feed of events."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from services.gateway.models.answers.fields import Moment, example


class Event(BaseModel):
    """What webhooks were told."""

    id: str = Field(description="The `webhook-id` of the same event.")
    sequence: int = Field(ge=1, description="Grows with every event of the account.")
    type: Literal["batch.completed"]
    timestamp: Moment
    data: dict[str, Any] = Field(description="In the dialect that the batch was submitted in.")


class Events(BaseModel):
    """A page of the feed, oldest first."""

    model_config = example(
        data=[
            {
                "id": "evt_7k2m9q4x1c8v5b3n",
                "sequence": 42,
                "type": "batch.completed",
                "timestamp": "2030-01-31T12:00:02Z",
                "data": {"batchId": "batch_7k2m9q4x1c8v5b3n", "status": "completed", "totalCount": 2},
            }
        ],
        next_cursor=None,
    )

    data: list[Event]
    next_cursor: str | None = Field(description="Send it as `after` for the next page; null when there is none yet.")

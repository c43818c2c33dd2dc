"""What receivers of webhooks are sent."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from services.gateway.models.answers.deckle import AcceptedGeneration
from services.gateway.models.answers.fields import Count, Moment, example

EndedStatus = Literal["completed", "partial", "failed", "cancelled"]
Kind = Annotated[Literal["batch.completed"], Field(description="Whatever the outcome was: `data` tells it.")]


class PictifyEnd(BaseModel):
    """A batch of the Pictify dialect."""

    model_config = ConfigDict(alias_generator=to_camel)

    batch_id: str
    status: EndedStatus
    total_count: Count
    completed_count: Count
    failed_count: Count


class EndedGeneration(AcceptedGeneration):
    """What became of an item."""

    status: Literal["completed", "failed", "cancelled"]


class DeckleEnd(BaseModel):
    """A batch of the Deckle dialect."""

    batch_id: str
    status: EndedStatus
    total: Count
    completed: Count
    failed: Count
    generations: Annotated[
        list[EndedGeneration], Field(description="Left out where it would be longer than 20 kB.")
    ] = []


class NativeEnd(BaseModel):
    """A batch of the native API."""

    id: str
    status: EndedStatus
    total: Count
    completed: Count
    failed: Count
    cancelled: Count


class BatchEnded(BaseModel):
    """A batch has ended."""

    model_config = example(
        event="batch.completed",
        type="batch.completed",
        timestamp="2030-01-31T12:00:02Z",
        data={
            "batchId": "batch_7k2m9q4x1c8v5b3n",
            "status": "completed",
            "totalCount": 2,
            "completedCount": 2,
            "failedCount": 0,
        },
    )

    event: Kind
    type: Kind
    timestamp: Moment
    data: PictifyEnd | DeckleEnd | NativeEnd = Field(description="In the form of the API that the batch came through.")

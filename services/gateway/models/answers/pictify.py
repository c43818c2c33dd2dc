"""What the Pictify dialect answers about batches and single renders."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from services.gateway.models.answers.fields import Address, BatchStatus, Count, FormatName, Moment, Percent

_BATCH = "batch_7k2m9q4x1c8v5b3n"
_FILE = {"url": "https://files.example.com/…", "width": 1200, "height": 630, "format": "png"}
_RESULT: dict[str, Any] = {"success": True, **_FILE, "bytes": 20480, "error": None}


def _camel(**fields: Any) -> ConfigDict:
    return ConfigDict(alias_generator=to_camel, json_schema_extra={"examples": [fields]})


class BatchAccepted(BaseModel):
    """A batch that was accepted."""

    model_config = _camel(batchId=_BATCH, status="pending", totalItems=2, message="2 items accepted for rendering.")

    batch_id: str
    status: BatchStatus
    total_items: Count
    message: str = Field(description="A sentence for people.")


class LayoutFile(BaseModel):
    """The image of one layout."""

    layout: str
    url: Address | None
    width: int
    height: int
    format: FormatName


class LayoutError(BaseModel):
    """Why a layout has no image."""

    layout: str
    error: str


class Result(BaseModel):
    """What became of one row."""

    success: bool
    url: Address | None = Field(description="The first file; signed, good until the batch expires.")
    width: int | None
    height: int | None
    format: FormatName
    bytes: int | None
    error: str | None = Field(description="Why it failed.")
    # Left out unless the request named `layouts`; then both are there.
    results: Annotated[list[LayoutFile], Field(description="With `layouts` only: the files that there are.")] = []
    errors: Annotated[list[LayoutError], Field(description="With `layouts` only: why others are missing.")] = []


class BatchResult(Result):
    """One row of a batch."""

    index: int = Field(ge=0, description="Of the row in the request.")


class Pagination(BaseModel):
    """Where the page stands."""

    model_config = ConfigDict(alias_generator=to_camel)

    page: int = Field(ge=1)
    limit: int = Field(ge=1)
    total: Count
    total_pages: Count
    has_more: bool


class BatchResults(BaseModel):
    """A batch and one page of its results."""

    model_config = _camel(
        batchId=_BATCH,
        status="completed",
        progress=100,
        totalItems=1,
        completedItems=1,
        failedItems=0,
        createdAt="2030-01-31T12:00:00Z",
        startedAt="2030-01-31T12:00:00.100Z",
        completedAt="2030-01-31T12:00:02Z",
        results=[{"index": 0, **_RESULT}],
        pagination={"page": 1, "limit": 100, "total": 1, "totalPages": 1, "hasMore": False},
    )

    batch_id: str
    status: BatchStatus
    progress: Percent
    total_items: Count
    completed_items: Count
    failed_items: Count
    created_at: Moment
    started_at: Moment | None
    completed_at: Moment | None
    results: list[BatchResult]
    pagination: Pagination


class BatchCancelled(BaseModel):
    """A batch that was stopped."""

    model_config = _camel(
        batchId=_BATCH,
        status="cancelled",
        message="Cancelled; 3 finished items keep their files.",
        completedCount=3,
        cancelledCount=7,
    )

    batch_id: str
    status: Literal["cancelled"]
    message: str = Field(description="A sentence for people.")
    completed_count: Count
    cancelled_count: Count = Field(description="Settles within seconds.")


class Rendered(Result):
    """One image that was waited for."""

    model_config = _camel(id="gen_7k2m9q4x1c8v5b3n00000", batchId=_BATCH, **_RESULT)

    id: str
    batch_id: str


class Waiting(BaseModel):
    """One image that takes longer."""

    model_config = _camel(
        id="gen_7k2m9q4x1c8v5b3n00000",
        batchId=_BATCH,
        status="processing",
        message="The image is not ready yet; ask for the results of this batch.",
    )

    id: str
    batch_id: str
    status: Literal["processing"]
    message: str = Field(description="A sentence for people.")

"""What the native API answers about batches, items and deliveries."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from services.gateway.models.answers.fields import (
    Address,
    BatchStatus,
    Count,
    Fault,
    FormatName,
    ItemError,
    JsonObject,
    Moment,
    NextCursor,
    Percent,
    example,
)

Url = Annotated[Address | None, Field(description="Signed; good until the batch expires.")]
Pages = Annotated[int | None, Field(description="Of a PDF.")]
Sha256 = Annotated[str | None, Field(description="Of the file, in hexadecimal.")]
ItemStatus = Literal["pending", "processing", "succeeded", "failed", "cancelled"]
_BATCH: dict[str, Any] = {
    "id": "batch_7k2m9q4x1c8v5b3n",
    "status": "completed",
    "total": 2,
    "completed": 2,
    "failed": 0,
    "cancelled": 0,
    "progress": 100,
    "created_at": "2030-01-31T12:00:00Z",
    "started_at": "2030-01-31T12:00:00.100Z",
    "finished_at": "2030-01-31T12:00:02Z",
    "expires_at": "2030-02-07T12:00:02Z",
    "queue_position": None,
    "estimated_finish_at": None,
    "template": {"id": "tmpl_7k2m9q4x1c8v5b3n", "version": 1},
    "retry_of": None,
    "retried_by": [],
    "metadata": {"order": 7},
    "timezone": "Europe/Berlin",
    "locale": "de-DE",
    "clock": None,
    "missing_assets": "warn",
    "warnings": [],
}
_FILE: dict[str, Any] = {
    "url": "https://files.example.com/…",
    "format": "png",
    "width": 1200,
    "height": 630,
    "pages": None,
    "bytes": 20480,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}
ITEM: dict[str, Any] = {
    "id": "gen_7k2m9q4x1c8v5b3n00000",
    "index": 0,
    "status": "succeeded",
    "reference": "row-1",
    "filename": None,
    "retry_of": None,
    **_FILE,
    "outputs": [{"layout": None, **_FILE}],
    "attempts": 1,
    "crashes": 0,
    "queued_at": "2030-01-31T12:00:00.100Z",
    "claimed_at": "2030-01-31T12:00:00.120Z",
    "finished_at": "2030-01-31T12:00:00.210Z",
    "duration_ms": 84,
    "upload_ms": 9,
    "error": None,
    "warnings": [],
}
_DELIVERY: dict[str, Any] = {
    "id": "dlv_7k2m9q4x1c8v5b3n",
    "event_id": "evt_7k2m9q4x1c8v5b3n",
    "url": "https://example.com/hook",
    "state": "delivered",
    "next_at": None,
    "attempts": [{"at": "2030-01-31T12:00:03Z", "status_code": 204, "duration_ms": 120, "error": None}],
}


class TemplateVersion(BaseModel):
    """The template that a batch renders, in the version that it was submitted with."""

    id: str
    version: int = Field(ge=1)


class Batch(BaseModel):
    """A batch with its counts."""

    model_config = example(**_BATCH)

    id: str = Field(description="`batch_` and random characters.")
    status: BatchStatus
    total: Count
    completed: Count
    failed: Count
    cancelled: Count
    progress: Percent
    created_at: Moment
    started_at: Moment | None
    finished_at: Moment | None
    expires_at: Moment | None = Field(description="When its files and records go.")
    queue_position: Count | None = Field(
        description="Items of other batches that come before its last one; null once it has ended or is cancelled."
    )
    estimated_finish_at: Moment | None = Field(
        description="As fast as items have been ending in the last two minutes; null when none has, and at the end."
    )
    template: TemplateVersion | None
    retry_of: str | None = Field(description="The batch whose items it tries again.")
    retried_by: list[str] = Field(description="Batches that try its items again, newest first; 100 at most.")
    metadata: JsonObject | None
    timezone: str = Field(description="An IANA time zone.")
    locale: str = Field(description="A BCP 47 locale.")
    clock: Moment | None = Field(description="What the time is in its documents; null means `created_at`.")
    missing_assets: Literal["warn", "error"] = Field(
        description="What becomes of an item that does not get an asset or a remote resource."
    )
    warnings: list[str]


class Batches(BaseModel):
    """A page of batches."""

    model_config = example(data=[_BATCH], next_cursor=None)

    data: list[Batch]
    next_cursor: NextCursor


class File(BaseModel):
    """One file of an item."""

    layout: str | None = Field(description="Null where the item has no layouts.")
    url: Url
    format: FormatName
    width: int | None = Field(description="Pixels; of an image.")
    height: int | None = Field(description="Pixels; of an image.")
    pages: Pages
    bytes: int
    sha256: Sha256


class RenderError(ItemError):
    """Why an item failed, and what its page looked like."""

    screenshot_url: Address | None = Field(
        description="A small picture of the page as it was then, where there is one. Signed, as `url` is."
    )


class Item(BaseModel):
    """An item; its file's fields are null until there is one."""

    id: str = Field(description="`gen_` and random characters.")
    index: int = Field(ge=0, description="Of the item in the request.")
    status: ItemStatus
    reference: str | None
    filename: str | None
    retry_of: str | None = Field(description="The item that it tries again.")
    url: Url
    format: FormatName
    width: int | None = Field(description="Pixels; of an image.")
    height: int | None = Field(description="Pixels; of an image.")
    pages: Pages
    bytes: int | None
    sha256: Sha256
    outputs: list[File] = Field(description="Every file, one for each layout; the fields beside it are the first's.")
    attempts: Annotated[Count, Field(description="Times that a renderer took it.")]
    crashes: Annotated[
        Count,
        Field(description="Times that it lost its renderer, or ended a browser that it had for itself; three fail it."),
    ]
    queued_at: Moment | None = Field(description="When it was last offered to the renderers.")
    claimed_at: Moment | None = Field(description="When a renderer last took it.")
    finished_at: Moment | None = Field(description="When it ended.")
    duration_ms: int | None = Field(description="Of the last render, with storing its files.")
    upload_ms: int | None = Field(description="Of that, storing its files.")
    error: RenderError | None
    warnings: list[str] = Field(
        description="What may not be as it was meant: a code such as TEXT_CLIPPED, a colon and a sentence each."
    )


class Items(BaseModel):
    """A page of a batch's items."""

    model_config = example(data=[ITEM], next_cursor=None)

    data: list[Item]
    next_cursor: NextCursor


class DryRun(BaseModel):
    """What a dry run found."""

    model_config = example(valid=True, items=2, errors=[], warnings=[], estimated_seconds=0.4)

    valid: bool = Field(description="Whether every item would be rendered.")
    items: Count
    errors: list[Fault]
    warnings: list[str]
    estimated_seconds: float = Field(ge=0, description="How long the renders would take; 0 when it is not known.")


class Attempt(BaseModel):
    """One attempt to deliver a webhook."""

    at: Moment | None
    status_code: int | None = Field(description="What the receiver answered; null when it did not.")
    duration_ms: int
    error: str | None


class Delivery(BaseModel):
    """An event on its way to one receiver."""

    model_config = example(**_DELIVERY)

    id: str
    event_id: str = Field(description="The `webhook-id` that the receiver sees.")
    url: Address
    state: Literal["pending", "delivered", "dead", "disabled"]
    next_at: Moment | None = Field(description="When the next attempt is due.")
    attempts: list[Attempt]


class Deliveries(BaseModel):
    """The deliveries of a batch."""

    model_config = example(data=[_DELIVERY], next_cursor=None)

    data: list[Delivery]
    next_cursor: None

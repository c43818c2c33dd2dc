"""What the Deckle dialect answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from services.gateway.models.answers.fields import Address, Count, ItemError, Moment, NextCursor, example

GenerationStatus = Literal["queued", "processing", "completed", "failed", "cancelled"]
Url = Annotated[Address | None, Field(description="The PDF; signed, good until the batch expires.")]
Data = Annotated[str | None, Field(description="The PDF as base64, when `output` was `base64`.")]
Id = Annotated[str, Field(description="`gen_` and random characters.")]
FileSize = Annotated[int | None, Field(ge=0, description="Bytes.")]
Warnings = Annotated[list[str], Field(description="What was odd about the request or the page, as sentences.")]

_ID, _BATCH = "gen_7k2m9q4x1c8v5b3n00000", "batch_7k2m9q4x1c8v5b3n"
_RESULT: dict[str, Any] = {
    "id": _ID,
    "status": "completed",
    "url": "https://files.example.com/…",
    "pages": 1,
    "file_size": 13370,
    "generation_time_ms": 84,
    "error": None,
    "warnings": [],
}
_GENERATION: dict[str, Any] = {
    **_RESULT,
    "batch_id": _BATCH,
    "index": 0,
    "input_type": "html",
    "template_id": None,
    "data": None,
    "created_at": "2030-01-31T12:00:00Z",
}


class AcceptedGeneration(BaseModel):
    """A place in the batch."""

    id: Id
    index: int = Field(ge=0, description="Of the item in the request.")


class GenerationsAccepted(BaseModel):
    """A batch that was accepted."""

    model_config = example(batch_id=_BATCH, total=1, generations=[{"id": _ID, "index": 0}], status="queued")

    batch_id: str
    total: Count
    generations: list[AcceptedGeneration]
    status: Literal["queued"]


class Generated(BaseModel):
    """One PDF that was waited for. It has `url`, or `data` where `output` was `base64`."""

    model_config = example(**_RESULT)

    id: Id
    status: GenerationStatus
    url: Url = None
    data: Data = None
    pages: int | None
    file_size: FileSize
    generation_time_ms: int | None
    error: ItemError | None
    warnings: Warnings


class Generation(BaseModel):
    """One PDF, made or to be made."""

    model_config = example(**_GENERATION)

    id: Id
    batch_id: str
    index: int = Field(ge=0, description="Of the item in its batch.")
    input_type: str = Field(description="What was rendered, such as `html` or `template`.")
    template_id: str | None
    status: GenerationStatus
    url: Url
    data: Data
    pages: int | None
    file_size: FileSize
    generation_time_ms: int | None
    error: ItemError | None
    warnings: Warnings
    created_at: Moment


class Generations(BaseModel):
    """A page of generations."""

    model_config = example(data=[_GENERATION], next_cursor=None)

    data: list[Generation]
    next_cursor: NextCursor

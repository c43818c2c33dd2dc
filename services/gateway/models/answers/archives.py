"""What the native API answers about archives."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from services.gateway.models.answers.fields import Address, Count, Moment, example

_ARCHIVE: dict[str, Any] = {
    "id": "arc_7k2m9q4x1c8v5b3n_zip",
    "batch_id": "batch_7k2m9q4x1c8v5b3n",
    "format": "zip",
    "status": "completed",
    "url": "https://files.example.com/…",
    "bytes": 20971520,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "items": 100,
    "error": None,
    "created_at": "2030-01-31T12:00:05Z",
    "expires_at": "2030-02-07T12:00:00Z",
}


class ArchiveError(BaseModel):
    """Why an archive could not be made."""

    code: str = Field(description="A word to branch on, such as `ENCRYPTED_RESULT` or `ARCHIVE_FAILED`.")
    message: str = Field(description="A sentence for people.")


class Archive(BaseModel):
    """All results of a batch in one file; the file's fields are null until there is one."""

    model_config = example(**_ARCHIVE)

    id: str = Field(description="The same for the same batch and format.")
    batch_id: str
    format: Literal["zip", "pdf"]
    status: Literal["queued", "processing", "completed", "failed"]
    url: Annotated[Address | None, Field(description="Signed; good until the batch expires.")]
    bytes: int | None
    sha256: str | None = Field(description="Of the file, in hexadecimal.")
    items: Count = Field(description="Items that have a file in it.")
    error: ArchiveError | None
    created_at: Moment = Field(description="When it was begun.")
    expires_at: Moment = Field(description="When it goes, together with its batch.")

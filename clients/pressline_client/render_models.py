"""Single renders as the service answers them. Fields that a newer service adds are ignored."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from pressline_client.models import ItemError, Model

GenerationStatus = Literal["queued", "processing", "completed", "failed", "cancelled"]


class Generation(Model):
    """A PDF, made or to be made; or an item of any other batch. `file_size` is in bytes.

    Where it comes from (`batch_id`, `index`, `input_type`, `template_id`, `created_at`) is told when it is read, not in
    the answer to a call that waited for it.
    """

    id: str
    batch_id: str | None = None
    index: int | None = None
    input_type: str | None = None
    template_id: str | None = None
    status: GenerationStatus
    url: str | None = None
    data: str | None = Field(None, repr=False)
    pages: int | None = None
    file_size: int | None = None
    generation_time_ms: int | None = None
    error: ItemError | None = None
    warnings: list[str] = Field(default_factory=list)
    created_at: datetime | None = None

    @property
    def ended(self) -> bool:
        """True once nothing of it will change any more."""
        return self.status in {"completed", "failed", "cancelled"}

    @property
    def content(self) -> bytes | None:
        """The PDF itself, when it was asked for with `output="base64"`."""
        return None if self.data is None else base64.b64decode(self.data)


class LayoutFile(Model):
    """The image of one layout; `width` and `height` are pixels."""

    layout: str
    url: str | None = None
    width: int | None = None
    height: int | None = None
    format: str | None = None


class LayoutError(Model):
    """Why a layout has no image."""

    layout: str
    error: str


class Rendered(Model):
    """One row of a template as an image. `bytes` is a size, `width` and `height` are pixels.

    `results` and `errors` tell of each layout where several were asked for.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    id: str
    batch_id: str
    success: bool
    url: str | None = None
    width: int | None = None
    height: int | None = None
    format: str | None = None
    bytes: int | None = None
    error: str | None = None
    results: list[LayoutFile] = Field(default_factory=list)
    errors: list[LayoutError] = Field(default_factory=list)

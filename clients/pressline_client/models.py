"""What the service answers with. Fields that a newer service adds are ignored."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

BatchStatus = Literal["pending", "processing", "completed", "partial", "failed", "cancelled"]
ItemStatus = Literal["pending", "processing", "succeeded", "failed", "cancelled"]
ENDED_BATCH = frozenset({"completed", "partial", "failed", "cancelled"})
ENDED_ITEM = frozenset({"succeeded", "failed", "cancelled"})


class Model(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Batch(Model):
    """A batch and its counts of items. `progress` is a percentage.

    `queue_position` is the number of items of other batches that come before its last one. It is None once the batch
    has ended, and so is `estimated_finish_at`, which is also None when nothing was rendered in the last two minutes.
    """

    id: str
    status: BatchStatus
    total: int
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    progress: float = 0
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    expires_at: datetime | None = None
    queue_position: int | None = None
    estimated_finish_at: datetime | None = None
    template: Any = None
    retry_of: str | None = None
    retried_by: list[str] = []
    metadata: Any = None
    timezone: str = "UTC"
    locale: str = "en-US"
    clock: datetime | None = None
    missing_assets: str = "warn"
    warnings: list[Any] = []

    @property
    def ended(self) -> bool:
        """True once nothing of the batch will change any more."""
        return self.status in ENDED_BATCH and self.completed + self.failed + self.cancelled >= self.total


class ItemError(Model):
    """Why an item failed; `screenshot_url` is the address of a small JPEG of its page, where there is one."""

    code: str
    message: str
    screenshot_url: str | None = None


class ItemOutput(Model):
    """One file of an item; `layout` is None for the template itself."""

    layout: str | None = None
    url: str | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None
    pages: int | None = None
    bytes: int | None = None
    sha256: str | None = None


class Item(Model):
    """One row and what became of it.

    `bytes` is a size, `width` and `height` are pixels, `duration_ms` is milliseconds, of which `upload_ms` storing its
    files took. `attempts` counts the renderers that took it, `crashes` those that it lost.
    """

    id: str
    index: int
    status: ItemStatus
    reference: str | None = None
    filename: str | None = None
    retry_of: str | None = None
    url: str | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None
    pages: int | None = None
    bytes: int | None = None
    sha256: str | None = None
    outputs: list[ItemOutput] = []
    attempts: int = 0
    crashes: int = 0
    queued_at: datetime | None = None
    claimed_at: datetime | None = None
    finished_at: datetime | None = None
    duration_ms: int | None = None
    upload_ms: int | None = None
    error: ItemError | None = None
    warnings: list[str] = []

    @property
    def ended(self) -> bool:
        """True once nothing of the item will change any more."""
        return self.status in ENDED_ITEM


class ItemPage(Model):
    """One page of items; `next_cursor` is None on the last."""

    data: list[Item]
    next_cursor: str | None = None


class ArchiveError(Model):
    """Why an archive could not be made."""

    code: str
    message: str


class Archive(Model):
    """All results of a batch in one file. `bytes` is a size, `items` counts those that have a file in it."""

    id: str
    batch_id: str
    format: Literal["zip", "pdf"]
    status: Literal["queued", "processing", "completed", "failed"]
    url: str | None = None
    bytes: int | None = None
    sha256: str | None = None
    items: int = 0
    error: ArchiveError | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None

    @property
    def ended(self) -> bool:
        """True once there is nothing left to wait for."""
        return self.status in {"completed", "failed"}


class FontFace(Model):
    """How CSS selects a font: values of `font-family`, `font-weight` and `font-style`."""

    family: str
    weight: str
    style: str


class Asset(Model):
    """A font or an image of the account. `bytes` is a size; documents refer to it by `url`, or a font by its family."""

    id: str
    name: str
    kind: Literal["font", "image"]
    content_type: str
    bytes: int
    sha256: str
    url: str
    font: FontFace | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class AssetPage(Model):
    """One page of assets; `next_cursor` is None on the last."""

    data: list[Asset]
    next_cursor: str | None = None


class Variable(Model):
    """A value that a template takes from a row."""

    name: str
    type: str
    required: bool = False
    default: Any = None
    description: str | None = None


class Template(Model):
    """A stored template. `variables` is None as long as nobody has looked through it; lists leave `html` out."""

    id: str
    name: str | None = None
    version: int | None = None
    status: Literal["checking", "ready", "invalid"] = "ready"
    variables: list[Variable] | None = None
    html: str | None = None
    width: int | None = None
    height: int | None = None
    tailwind: bool = False
    layouts: dict[str, Any] = {}
    created_at: datetime | None = None
    updated_at: datetime | None = None


class Limits(Model):
    """What a plan allows; None where it sets no limit."""

    items_per_batch: int | None = None
    concurrent_batches: int | None = None
    requests_per_minute: int | None = None
    renders_per_month: int | None = None


class Usage(Model):
    """The account behind the key, and its renders of this month; None where there is no limit."""

    account_id: str
    plan: str
    limits: Limits
    running_batches: int = 0
    month: str | None = None
    limit: int | None = None
    used: int = 0
    reserved: int = 0
    remaining: int | None = None
    resets_at: datetime | None = None

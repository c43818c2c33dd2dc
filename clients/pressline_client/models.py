"""What the service answers with. Fields that a newer service adds are ignored."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

BatchStatus = Literal["pending", "processing", "completed", "partial", "failed", "cancelled"]
ItemStatus = Literal["pending", "processing", "succeeded", "failed", "cancelled"]
ENDED_BATCH = frozenset({"completed", "partial", "failed", "cancelled"})
ENDED_ITEM = frozenset({"succeeded", "failed", "cancelled"})


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Batch(_Model):
    """A batch and its counts of items. `progress` is a percentage."""

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
    template: Any = None
    metadata: Any = None
    warnings: list[Any] = []

    @property
    def ended(self) -> bool:
        """True once nothing of the batch will change any more."""
        return self.status in ENDED_BATCH and self.completed + self.failed + self.cancelled >= self.total


class ItemError(_Model):
    """Why an item failed."""

    code: str
    message: str


class ItemOutput(_Model):
    """One file of an item; `layout` is None for the template itself."""

    layout: str | None = None
    url: str | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None
    pages: int | None = None
    bytes: int | None = None
    sha256: str | None = None


class Item(_Model):
    """One row and what became of it. `bytes` is a size, `width` and `height` are pixels, `duration_ms` milliseconds."""

    id: str
    index: int
    status: ItemStatus
    reference: str | None = None
    filename: str | None = None
    url: str | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None
    pages: int | None = None
    bytes: int | None = None
    sha256: str | None = None
    outputs: list[ItemOutput] = []
    attempts: int = 0
    duration_ms: int | None = None
    error: ItemError | None = None
    warnings: list[Any] = []

    @property
    def ended(self) -> bool:
        """True once nothing of the item will change any more."""
        return self.status in ENDED_ITEM


class ItemPage(_Model):
    """One page of items; `next_cursor` is None on the last."""

    data: list[Item]
    next_cursor: str | None = None


class Template(_Model):
    """A stored template."""

    id: str
    name: str | None = None
    version: int | None = None


class Limits(_Model):
    """What a plan allows; None where it sets no limit."""

    items_per_batch: int | None = None
    concurrent_batches: int | None = None
    requests_per_minute: int | None = None
    renders_per_month: int | None = None


class Usage(_Model):
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

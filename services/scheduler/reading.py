"""Batches and their items as their owners read them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from google.protobuf.field_mask_pb2 import FieldMask

from pressline.batch.v1 import batch_pb2
from services.common.errors import Violation, invalid
from services.scheduler import paging, views
from services.scheduler.backlog import Backlog
from services.scheduler.masks import ReadMask
from services.scheduler.model import Counts
from services.scheduler.ownership import is_gone
from services.scheduler.progress import FRESH_SECONDS, Progress
from services.scheduler.store.batches import Batches, Place
from services.scheduler.store.database import Document
from services.scheduler.store.items import Items

DEFAULT_PAGE, LARGEST_PAGE = 20, 100
DEFAULT_ITEMS, LARGEST_ITEMS = 100, 1_000
# Of retries, the newest are shown of each batch.
MOST_RETRIES, MOST_RETRIES_READ = 100, 1_000
EVERYTHING = ReadMask(FieldMask(), batch_pb2.Batch)
_PLACE = re.compile(r"([0-9]{1,14}):(batch_[0-9a-z]{1,40})")
_INDEX = re.compile(r"index:([0-9]{1,6})")


class BatchReader:
    """Reads batches with their counts, their places in the queue, and what has been made of them since."""

    def __init__(self, batches: Batches, progress: Progress, backlog: Backlog) -> None:
        self._batches = batches
        self._progress = progress
        self._backlog = backlog

    async def now(self, batch_id: str) -> batch_pb2.Batch | None:
        """A batch counted this moment; None when there is none, or none any more."""
        batch = await self._batches.get(batch_id)
        if batch is None or "removing_ms" in batch:
            return None
        (view,) = await self.views([batch], max_age=0)
        return view

    async def view(self, batch: Document, mask: ReadMask = EVERYTHING) -> batch_pb2.Batch:
        """A batch."""
        (view,) = await self.views([batch], mask)
        return view

    async def page(self, account_id: str, request: batch_pb2.ListBatchesRequest) -> batch_pb2.ListBatchesResponse:
        """A page of an account's batches, newest first."""
        size = paging.size(request.page_size, DEFAULT_PAGE, LARGEST_PAGE)
        mask = ReadMask(request.read_mask, batch_pb2.Batch)
        states = views.batch_states(request.states)
        found = await self._batches.newest(account_id, states, _place(request.page_token), size + 1)
        page, more = found[:size], found[size:]
        return batch_pb2.ListBatchesResponse(
            # What is gone may wait to be deleted.
            batches=await self.views([batch for batch in page if not is_gone(batch)], mask),
            next_page_token=paging.token(f"{page[-1]['created_ms']}:{page[-1]['_id']}") if more else "",
        )

    async def views(
        self, batches: Sequence[Document], mask: ReadMask = EVERYTHING, max_age: float = FRESH_SECONDS
    ) -> list[batch_pb2.Batch]:
        """Batches, counted within so many seconds."""
        retried = await self._retried(batches) if mask.wants("retried_by") else {}
        result = []
        for batch in batches:
            counted = mask.wants("counts", "revision")
            counts = await self._progress.counts(batch, max_age) if counted else Counts(batch["total"])
            view = views.batch(batch, counts)
            view.retried_by.extend(retried.get(batch["_id"], [])[:MOST_RETRIES])
            if mask.wants("queue_position", "estimated_end_time"):
                views.put_into_queue(view, self._backlog.place(batch))
            result.append(mask.trim(view))
        return result

    async def _retried(self, batches: Sequence[Document]) -> dict[str, list[str]]:
        # Only what has ended can have been tried again.
        ended = [batch["_id"] for batch in batches if "counts" in batch]
        retried: dict[str, list[str]] = {}
        for retry in await self._batches.retries(ended, MOST_RETRIES_READ) if ended else ():
            retried.setdefault(retry["retry_of"], []).append(retry["_id"])
        return retried


class ItemReader:
    """Reads items of a batch."""

    def __init__(self, items: Items, progress: Progress, sign: views.SignUrl) -> None:
        self._items = items
        self._progress = progress
        self._sign = sign

    def view(self, item: Document, batch: Document, mask: ReadMask) -> batch_pb2.Item:
        """An item."""
        sign = self._sign if mask.wants("outputs.url", "errors.screenshot_url") else views.unsigned
        return mask.trim(views.item(item, batch["expires_ms"], sign))

    async def page(self, batch: Document, request: batch_pb2.ListItemsRequest) -> batch_pb2.ListItemsResponse:
        """A page of a batch's items, by index."""
        size = paging.size(request.page_size, DEFAULT_ITEMS, LARGEST_ITEMS)
        mask = ReadMask(request.read_mask, batch_pb2.Item)
        first, skip = _first(request), max(request.skip, 0)
        if request.states:
            states = views.item_states(request.states)
            found = await self._items.page_in_states(batch["_id"], states, first, skip, size + 1)
            # Items may have ended since they were counted; those that are listed are there in any case.
            total = max(await self._progress.in_states(batch, states), skip + len(found))
        else:
            found = await self._items.page(batch["_id"], first + skip, size + 1, batch["total"])
            total = batch["total"]
        following = found[size]["index"] if found[size:] else 0
        return batch_pb2.ListItemsResponse(
            items=[self.view(item, batch, mask) for item in found[:size]],
            next_index=following,
            next_page_token=paging.token(f"index:{following}") if following else "",
            total=total,
        )


def _first(request: batch_pb2.ListItemsRequest) -> int:
    """The index that a page begins with."""
    parts = paging.place(request.page_token, _INDEX)
    if parts is None:
        return max(request.from_index, 0)
    if request.from_index or request.skip:
        raise invalid(Violation("page_token", "is not for a request with from_index or skip"))
    return int(parts[0])


def _place(page_token: str) -> Place | None:
    parts = paging.place(page_token, _PLACE)
    return (int(parts[0]), parts[1]) if parts else None

"""The items of all of an account's batches: batches newest first, the items of each by index.

An account may have hundreds of thousands of items, so no query looks at them all: batches are walked by an index, and
items are found by ids made from those of their batches. What a call looks at is bounded, so that a page may be short.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from pressline.batch.v1 import batch_pb2
from services.common import ids
from services.scheduler import paging, views
from services.scheduler.masks import ReadMask
from services.scheduler.ownership import Ownership, is_gone
from services.scheduler.store.database import Document
from services.scheduler.stores import Stores

DEFAULT_PAGE, LARGEST_PAGE = 100, 1_000
BATCHES_AT_ONCE, ITEMS_AT_ONCE = 100, 500
# What one call looks at, most.
MOST_BATCHES, MOST_ITEMS = 2_000, 5_000
_PLACE = re.compile(r"([0-9]{1,14}):(batch_[0-9a-z]{1,40}):([0-9]{1,6})")


@dataclass(frozen=True)
class Place:
    """An item of a batch, or where it would be."""

    created_ms: int
    batch_id: str
    index: int = 0

    @property
    def token(self) -> str:
        """For the next page."""
        return paging.token(f"{self.created_ms}:{self.batch_id}:{self.index}")

    @classmethod
    def of(cls, page_token: str) -> Place | None:
        """The place that a page's token names."""
        parts = paging.place(page_token, _PLACE)
        return Place(int(parts[0]), parts[1], int(parts[2])) if parts else None


@dataclass(frozen=True)
class Filter:
    """Which items are wanted.

    Attributes:
        states: as stored; empty for all.
        template_id: that they render; empty for any.
    """

    states: Collection[str]
    template_id: str

    def may_match(self, batch: Document) -> bool:
        """Whether a look into a batch is worth it."""
        if is_gone(batch) or "creating" in batch:
            return False
        # How many items of an ended batch are in which state is known.
        return not (self.states and "counts" in batch) or any(batch["counts"].get(state) for state in self.states)

    def matches(self, item: Document) -> bool:
        """Whether an item in one of the states is wanted."""
        return not self.template_id or item["template_id"] == self.template_id

    @property
    def takes_all(self) -> bool:
        """Whether every item is wanted."""
        return not self.states and not self.template_id


class AccountItems:
    """Lists the items of accounts."""

    def __init__(self, stores: Stores, ownership: Ownership, sign: views.SignUrl) -> None:
        self._stores = stores
        self._ownership = ownership
        self._sign = sign

    async def page(
        self, account_id: str, request: batch_pb2.ListAccountItemsRequest
    ) -> batch_pb2.ListAccountItemsResponse:
        """A page of them.

        Raises:
            PresslineError: VALIDATION_ERROR; NOT_FOUND and GONE, for a filter by a batch that is not there.
        """
        size = paging.size(request.page_size, DEFAULT_PAGE, LARGEST_PAGE)
        mask = ReadMask(request.read_mask, batch_pb2.Item)
        wanted = Filter(views.item_states(request.states), request.template_id)
        walk = _Walk(self._stores, account_id, wanted, size + 1)
        if request.batch_id:
            await walk.within(await self._ownership.batch(account_id, request.batch_id), Place.of(request.page_token))
        else:
            await walk.through(Place.of(request.page_token))
        sign = self._sign if mask.wants("outputs.url", "errors.screenshot_url") else views.unsigned
        items = [mask.trim(views.item(item, batch["expires_ms"], sign)) for item, batch in walk.found[:size]]
        rest = walk.found[size:]
        following = _place_of(*rest[0]) if rest else walk.following
        return batch_pb2.ListAccountItemsResponse(items=items, next_page_token=following.token if following else "")


class _Walk:
    """One way through an account's items, until enough are found or enough has been looked at.

    Attributes:
        found: items with their batches, in order.
        following: the first place that was not looked at; None at the end.
    """

    def __init__(self, stores: Stores, account_id: str, wanted: Filter, enough: int) -> None:
        self._stores = stores
        self._account_id = account_id
        self._wanted = wanted
        self._enough = enough
        self._items_left = MOST_ITEMS
        self.found: list[tuple[Document, Document]] = []
        self.following: Place | None = None

    async def through(self, start: Place | None) -> None:
        """Look through the account's batches from a place on."""
        self.following = start
        for _ in range(0, MOST_BATCHES, BATCHES_AT_ONCE):
            since = (self.following.created_ms, self.following.batch_id) if self.following else None
            batches = await self._stores.batches.all_newest(self._account_id, since, BATCHES_AT_ONCE + 1)
            here, more = batches[:BATCHES_AT_ONCE], batches[BATCHES_AT_ONCE:]
            if await self._look(here, self.following):
                return
            self.following = Place(more[0]["created_ms"], more[0]["_id"]) if more else None
            if not more:
                return

    async def within(self, batch: Document, start: Place | None) -> None:
        """Look through one batch."""
        if start and start.batch_id != batch["_id"]:
            raise paging.unknown_token()
        if not await self._look([batch], start):
            self.following = None

    async def _look(self, batches: Sequence[Document], start: Place | None) -> bool:
        """Look into batches in turn, from a place on; true when it was enough before their end."""
        candidates = _candidates([batch for batch in batches if self._wanted.may_match(batch)], start)
        at_once = self._enough if self._wanted.takes_all else ITEMS_AT_ONCE
        while some := list(islice(candidates, at_once)):
            if len(self.found) >= self._enough or self._items_left <= 0:
                batch, index = some[0]
                self.following = Place(batch["created_ms"], batch["_id"], index)
                return True
            self._items_left -= len(some)
            await self._take(some)
        return len(self.found) >= self._enough

    async def _take(self, candidates: Sequence[tuple[Document, int]]) -> None:
        batch_of = {ids.item_id(batch["_id"], index): batch for batch, index in candidates}
        found = await self._stores.items.in_states(list(batch_of), list(self._wanted.states))
        self.found += [
            (found[item_id], batch)
            for item_id, batch in batch_of.items()
            if item_id in found and self._wanted.matches(found[item_id])
        ]


def _candidates(batches: Sequence[Document], start: Place | None) -> Iterator[tuple[Document, int]]:
    for batch in batches:
        first = start.index if start and start.batch_id == batch["_id"] else 0
        for index in range(first, batch["total"]):
            yield batch, index


def _place_of(item: Document, batch: Document) -> Place:
    return Place(batch["created_ms"], batch["_id"], item["index"])

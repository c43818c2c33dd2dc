"""Waiting for items to end: woken when one ends in this process, and looking for those that end in another."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from services.common import lifecycle
from services.scheduler import model
from services.scheduler.store.database import Document
from services.scheduler.store.items import Items

LOOK_SECONDS = 0.3
log = structlog.get_logger()


class Waiters:
    """Those who wait, by item. One look serves them all, however many they are."""

    def __init__(self, items: Items) -> None:
        self._items = items
        self._waiting: dict[str, list[asyncio.Event]] = {}
        self._looking: asyncio.Task[None] | None = None

    def item_ended(self, item_id: str) -> None:
        """Wake whoever waits for an item."""
        for event in self._waiting.get(item_id, ()):
            event.set()

    async def until_ended(self, item_id: str, seconds: float) -> Document | None:
        """An item once it has ended, or as it is after so many seconds; None for one that is not there."""
        with self._awaited(item_id) as ended:
            # Read after the event is in place: an end in between is seen by the one or by the other.
            item = await self._items.get(item_id)
            if item is None or item["state"] in model.ENDED_ITEM or seconds <= 0:
                return item
            await lifecycle.wait(ended, seconds)
        return await self._items.get(item_id)

    @contextmanager
    def _awaited(self, item_id: str) -> Iterator[asyncio.Event]:
        event = asyncio.Event()
        waiting = self._waiting.setdefault(item_id, [])
        waiting.append(event)
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        try:
            yield event
        finally:
            waiting.remove(event)
            if not waiting:
                del self._waiting[item_id]

    async def _look(self) -> None:
        while self._waiting:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                for item_id in await self._items.ended_among(list(self._waiting)):
                    self.item_ended(item_id)
            except Exception as error:  # The next look may succeed.
                log.warning("waiting.blind", error=repr(error))
        self._looking = None

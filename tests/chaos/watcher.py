"""Looks at the database's records all the time: what has ended must stay as it ended."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from services.scheduler import model

SHORTEST_PAUSE_SECONDS = 1.0
# Looking must not be what the database is busy with.
PAUSE_PER_LOOK = 10
_TIMEOUT_MS = 5_000


@dataclass
class Watcher:
    """What was seen.

    Attributes:
        ended: the attempt, state and time with which each item, and each batch, ended.
        left: those that were in another state after they had ended.
        repeated: those that ended once more, in the same state.
        open_items: items that had not ended at the last look.
        open_batches: batches that were accepted and had not ended at the last look.
        looks: how often it looked.
    """

    url: str
    ended: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    repeated: set[str] = field(default_factory=set)
    open_items: int = 0
    open_batches: int = 0
    looks: int = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Look until stopped; a database that is away is looked at again."""
        async with AsyncMongoClient[dict[str, Any]](self.url, timeoutMS=_TIMEOUT_MS) as client:
            while not stop.is_set():
                began = time.monotonic()
                with suppress(PyMongoError):
                    await self._look(client["pressline"])
                pause = max(SHORTEST_PAUSE_SECONDS, PAUSE_PER_LOOK * (time.monotonic() - began))
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), pause)

    async def _look(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        fields = {"state": 1, "attempt": 1, "ended_ms": 1}
        items = await database["items"].find({}, fields).to_list(None)
        batches = await database["batches"].find({}, {**fields, "active": 1}).to_list(None)
        for document in items:
            self._compare(document, document["state"] in model.ENDED_ITEM)
        for document in batches:
            self._compare(document, document["state"] in model.ENDED_BATCH)
        self.open_items = sum(item["state"] not in model.ENDED_ITEM for item in items)
        # Nobody has seen one that is still being stored; those that were left so are deleted.
        accepted = [batch for batch in batches if batch["state"] != model.CREATING]
        self.open_batches = sum(batch["state"] not in model.ENDED_BATCH or "active" in batch for batch in accepted)
        self.looks += 1

    def _compare(self, document: dict[str, Any], ended: bool) -> None:
        name = document["_id"]
        now = (document["state"], document.get("attempt", 0), document.get("ended_ms", 0))
        before = self.ended.get(name)
        if ended:
            self.ended[name] = now
        if before is not None and now != before:
            (self.repeated if before[0] == now[0] else self.left).add(name)

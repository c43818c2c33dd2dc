"""Source documents, kept after their first use: an id stands for its content for ever."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from pressline.task.v1.task_pb2 import SourceDocument

MAX_BYTES = 64 * 1024 * 1024


class Sources:
    """The most recently used sources, bounded by bytes.

    Args:
        read: fetches a source by id.
        max_bytes: what is kept altogether; a source larger than that is not kept.
    """

    def __init__(self, read: Callable[[str], Awaitable[SourceDocument]], max_bytes: int = MAX_BYTES) -> None:
        self._read = read
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, SourceDocument] = OrderedDict()
        self._bytes = 0
        self._reading: dict[str, asyncio.Future[SourceDocument]] = {}

    async def get(self, source_id: str) -> SourceDocument:
        """A source; raises what reading it raises. Callers that want the same one at once share one read."""
        kept = self._kept.get(source_id)
        if kept is not None:
            self._kept.move_to_end(source_id)
            return kept
        reading = self._reading.get(source_id)
        if reading is None:
            reading = asyncio.ensure_future(self._read(source_id))
            self._reading[source_id] = reading
            reading.add_done_callback(lambda done: self._keep(source_id, done))
        # One caller that gives up does not fail the others.
        return await asyncio.shield(reading)

    def _keep(self, source_id: str, done: asyncio.Future[SourceDocument]) -> None:
        del self._reading[source_id]
        if done.cancelled() or done.exception() is not None:
            return
        source = done.result()
        self._kept[source_id] = source
        self._bytes += source.ByteSize()
        while self._bytes > self._max_bytes:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= dropped.ByteSize()

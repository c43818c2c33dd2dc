"""What was read before, kept after its first use: a key stands for its content for ever."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Kept(Generic[K, T]):
    """The most recently used contents, bounded by bytes.

    Args:
        read: fetches a content by its key.
        size_of: its bytes.
        max_bytes: what is kept altogether; a content larger than that is not kept.
    """

    def __init__(self, read: Callable[[K], Awaitable[T]], size_of: Callable[[T], int], max_bytes: int) -> None:
        self._read = read
        self._size_of = size_of
        self._max_bytes = max_bytes
        self._kept: OrderedDict[K, T] = OrderedDict()
        self._bytes = 0
        self._reading: dict[K, asyncio.Future[T]] = {}

    async def get(self, key: K) -> T:
        """A content; raises what reading it raises. Callers that want the same one at once share one read."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        reading = self._reading.get(key)
        if reading is None:
            reading = asyncio.ensure_future(self._read(key))
            self._reading[key] = reading
            reading.add_done_callback(lambda done: self._keep(key, done))
        # One caller that gives up does not fail the others.
        return await asyncio.shield(reading)

    def forget(self, key: K) -> None:
        """Keep a content no longer; the next caller reads it anew."""
        if key in self._kept:
            self._bytes -= self._size_of(self._kept.pop(key))

    async def close(self) -> None:
        """End the reads under way."""
        reading = tuple(self._reading.values())
        for read in reading:
            read.cancel()
        if reading:
            await asyncio.wait(reading)

    def _keep(self, key: K, done: asyncio.Future[T]) -> None:
        del self._reading[key]
        if done.cancelled() or done.exception() is not None:
            return
        self._kept[key] = done.result()
        self._bytes += self._size_of(done.result())
        while self._bytes > self._max_bytes:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= self._size_of(dropped)

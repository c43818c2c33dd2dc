"""Following batches: one look at a time for each batch, however many follow it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager

import structlog
from nats.errors import Error as NatsError

from pressline.batch.v1 import batch_pb2
from services.common import lifecycle
from services.common.errors import PresslineError, Reason, not_found
from services.common.hints import Hints
from services.common.places import Places

# Hints come at once; this is for those that were lost.
POLL_SECONDS = 2.0
LOOK_SECONDS = 0.25
# Counting a large batch takes a while: following it must not keep the database busy.
REST_FACTOR = 4
RETRY_SECONDS = 2.0
Look = Callable[[str], Awaitable[batch_pb2.Batch | None]]
log = structlog.get_logger()


class Watches:
    """Everyone who follows a batch through this process.

    Args:
        look: reads a batch as it is now; None when there is no such batch any more.
        hints: rung by whoever changes a batch.
        places: of those who follow.
    """

    def __init__(self, look: Look, hints: Hints, places: Places) -> None:
        self._look = look
        self._hints = hints
        self._places = places
        self._watches: dict[str, _Watch] = {}
        self._closed = False

    async def follow(self, account_id: str, batch_id: str, after: int) -> AsyncGenerator[batch_pb2.Batch, None]:
        """A batch as it is now, unless its revision was seen already, and then its changes until it has ended.

        Raises:
            PresslineError: RATE_LIMITED when its account follows too many already, SERVICE_UNAVAILABLE when all
                accounts together do or this process stops, NOT_FOUND when the batch is deleted.
        """
        with self._places.held(account_id), self._joined(batch_id) as watch:
            # Hints are heard before the first look, so no change falls between the two.
            await watch.listening.wait()
            batch = await self._look(batch_id)
            while True:
                # Taken first: a change that comes while the caller is busy must not be slept through.
                changed = watch.changed
                batch = watch.newest(batch)
                if batch.revision > after or (batch.HasField("end_time") and batch.revision != after):
                    yield batch
                    after = batch.revision
                if batch.HasField("end_time"):
                    return
                await changed.wait()

    def close(self) -> None:
        """End every stream: its caller goes on at another scheduler, or at the next one here."""
        self._closed = True
        for watch in self._watches.values():
            watch.fail(_closing())

    @contextmanager
    def _joined(self, batch_id: str) -> Iterator[_Watch]:
        if self._closed:
            raise _closing()
        watch = self._watches.get(batch_id)
        if watch is None:
            watch = self._watches[batch_id] = _Watch(batch_id, self._look, self._hints)
        watch.followers += 1
        try:
            yield watch
        finally:
            watch.followers -= 1
            if not watch.followers:
                del self._watches[batch_id]
                watch.stop()


class _Watch:
    """One batch being followed."""

    def __init__(self, batch_id: str, look: Look, hints: Hints) -> None:
        self.followers = 0
        self.changed = asyncio.Event()
        self.listening = asyncio.Event()
        self._batch_id = batch_id
        self._look = look
        self._hints = hints
        self._hint = asyncio.Event()
        self._ended = asyncio.Event()
        self._latest: batch_pb2.Batch | None = None
        self._error: PresslineError | None = None
        self._watching = asyncio.create_task(self._watch())

    def newest(self, seen: batch_pb2.Batch | None) -> batch_pb2.Batch:
        """The newer one of what the caller saw and what was seen here."""
        if self._error is not None:
            raise self._error
        found = [batch for batch in (seen, self._latest) if batch is not None]
        if not found:
            raise not_found("batch", self._batch_id)
        return max(found, key=lambda batch: batch.revision)

    def fail(self, error: PresslineError) -> None:
        """Raise an error at every follower."""
        self._error = error
        self._wake()

    def stop(self) -> None:
        """Look no more."""
        self._watching.cancel()

    async def _watch(self) -> None:
        try:
            async with self._hints.heard(self._batch_id, self._heed):
                await self._look_on()
        except NatsError as error:  # Closed for good: only at the end of the process, which ends the streams too.
            log.warning("watch.deaf", batch=self._batch_id, error=repr(error))
        finally:
            self.listening.set()

    async def _look_on(self) -> None:
        self.listening.set()
        while True:
            await lifecycle.wait(self._hint, POLL_SECONDS)
            self._hint.clear()
            self._ended.clear()
            began = time.monotonic()
            try:
                self._seen(await self._look(self._batch_id))
            except Exception as error:  # The next look may succeed.
                log.warning("watch.blind", batch=self._batch_id, error=repr(error))
            # The end is not kept waiting: many batches are shorter than a rest.
            await lifecycle.wait(self._ended, max(LOOK_SECONDS, REST_FACTOR * (time.monotonic() - began)))

    def _heed(self, last: bool) -> None:
        self._hint.set()
        if last:
            self._ended.set()

    def _seen(self, batch: batch_pb2.Batch | None) -> None:
        if batch is None:
            self.fail(not_found("batch", self._batch_id))
        elif self._latest is None or batch.revision > self._latest.revision:
            self._latest = batch
            self._wake()

    def _wake(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


def _closing() -> PresslineError:
    return PresslineError(
        Reason.SERVICE_UNAVAILABLE, "This scheduler stops: go on after the last revision.", retry_after=RETRY_SECONDS
    )

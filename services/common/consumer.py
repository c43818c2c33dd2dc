"""The one consumer loop: fetch, handle, answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import nats
import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext

from services.common import lifecycle
from services.common.bus import Bus, Subscription

HEARTBEAT_SECONDS = 10
# Bounds how long stopping waits for an empty queue.
FETCH_SECONDS = 1.5
log = structlog.get_logger()


@dataclass(frozen=True)
class Done:
    """The message has served its purpose."""


@dataclass(frozen=True)
class Again:
    """Deliver the message again after so many seconds."""

    seconds: float


Verdict = Done | Again
MessageHandler = Callable[[bytes], Awaitable[Verdict]]


class Consumer:
    """The consumer loop: fetch into free slots only, keep messages alive while handled, answer each.

    Args:
        bus: the connection.
        subscription: what to consume.
        slots: messages handled at once.
        handler: called with each payload; its failure returns the message after a pause.
    """

    def __init__(self, bus: Bus, subscription: Subscription, slots: int, handler: MessageHandler) -> None:
        self._bus = bus
        self._subscription = subscription
        self._slots = asyncio.Semaphore(slots)
        self._handler = handler
        self._running: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event, drain_seconds: float) -> None:
        """Consume until stopped, then let running handlers finish for `drain_seconds` and cancel the rest."""
        while not stop.is_set():
            try:
                await self._consume(stop)
            except (NatsError, TimeoutError, OSError) as error:
                log.warning("consumer.interrupted", consumer=self._subscription.durable, error=repr(error))
                await lifecycle.wait(stop, 1)
                await self._redeclare()
        await self._drain(drain_seconds)

    async def _consume(self, stop: asyncio.Event) -> None:
        pull = await self._bus.jetstream.pull_subscribe_bind(
            consumer=self._subscription.durable, stream=self._subscription.stream
        )
        try:
            while await self._take_slot(stop):
                try:
                    message = await self._next(pull)
                except BaseException:
                    self._slots.release()
                    raise
                if message is None:
                    self._slots.release()
                else:
                    self._start(message)
        finally:
            await _quietly(pull.unsubscribe())

    async def _take_slot(self, stop: asyncio.Event) -> bool:
        """Wait for a free slot; false, and none taken, once stopped: a busy consumer must notice that too."""
        taking = asyncio.ensure_future(self._slots.acquire())
        stopping = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait({taking, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if taking.done() and stop.is_set():
                self._slots.release()
            return not stop.is_set()
        finally:
            taking.cancel()
            stopping.cancel()

    async def _next(self, pull: JetStreamContext.PullSubscription) -> Msg | None:
        try:
            messages = await pull.fetch(1, timeout=FETCH_SECONDS)
        except (TimeoutError, nats.errors.TimeoutError):
            return None
        return messages[0] if messages else None

    def _start(self, message: Msg) -> None:
        task = asyncio.create_task(self._handle(message))
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._slots.release()

    async def _handle(self, message: Msg) -> None:
        heartbeat = asyncio.create_task(_keep_alive(message))
        verdict: Verdict = Again(5)
        try:
            verdict = await self._handler(message.data)
        except Exception as error:
            log.exception("message.failed", consumer=self._subscription.durable, error=repr(error))
        finally:
            heartbeat.cancel()
            await _quietly(message.ack() if isinstance(verdict, Done) else message.nak(delay=verdict.seconds))

    async def _drain(self, seconds: float) -> None:
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=seconds)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=5)

    async def _redeclare(self) -> None:
        if self._bus.connected:
            await _quietly(self._bus.declare())


async def _keep_alive(message: Msg) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        await _quietly(message.in_progress())


async def _quietly(action: Awaitable[object]) -> None:
    # The server redelivers what it did not hear about, so an unheard answer costs a repeat, nothing more.
    try:
        await action
    except (NatsError, TimeoutError, OSError, ConnectionError) as error:
        log.debug("bus.unheard", error=repr(error))

"""NATS JetStream: the streams, publishing, and the one consumer loop.

Messages are doorbells. Losing, repeating or reordering them must be harmless to whoever consumes them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import nats
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from services.common import lifecycle
from services.common.hints import Hints

JOBS_STREAM = "PRESSLINE_JOBS"
EVENTS_STREAM = "PRESSLINE_EVENTS"
FAST_JOBS = "pressline.jobs.fast"
BULK_JOBS = "pressline.jobs.bulk"
FAST_CONSUMER = "renderers-fast"
BULK_CONSUMER = "renderers-bulk"
EVENTS = "pressline.events.batch"
EVENTS_CONSUMER = "notifiers"

ACK_WAIT_SECONDS = 30
HEARTBEAT_SECONDS = 10
# Bounds how long stopping waits for an empty queue.
FETCH_SECONDS = 1.5
PUBLISH_SECONDS = 5
EVENTS_KEPT_SECONDS = 7 * 24 * 3600
MAX_DELIVER = 1000
MAX_ACK_PENDING = 1000
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


@dataclass(frozen=True)
class Subscription:
    """A durable consumer of a stream."""

    stream: str
    subject: str
    durable: str


FAST = Subscription(JOBS_STREAM, FAST_JOBS, FAST_CONSUMER)
BULK = Subscription(JOBS_STREAM, BULK_JOBS, BULK_CONSUMER)
NOTIFY = Subscription(EVENTS_STREAM, EVENTS, EVENTS_CONSUMER)
_SUBSCRIPTIONS = (FAST, BULK, NOTIFY)


class Bus:
    """A connection that lasts through restarts of the server."""

    def __init__(self, client: Client, replicas: int) -> None:
        self._client = client
        self._replicas = replicas
        self.hints = Hints(client)
        self.jetstream: JetStreamContext = client.jetstream(timeout=PUBLISH_SECONDS)

    @classmethod
    async def connect(cls, url: str, name: str, replicas: int = 1) -> Bus:
        """Connect, waiting as long as it takes for a server, and make sure that the streams are there."""
        client = await nats.connect(
            url.split(","),
            name=name,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.5,
            connect_timeout=3,
            ping_interval=10,
            allow_reconnect=True,
            error_cb=_log_error,
        )
        bus = cls(client, replicas)
        try:
            await bus.declare()
        except BaseException:
            await client.close()
            raise
        return bus

    @property
    def connected(self) -> bool:
        """True while a server answers."""
        return self._client.is_connected

    async def declare(self) -> None:
        """Create or update the streams and their consumers; safe to repeat, from any service."""
        await self._declare_stream(
            StreamConfig(
                name=JOBS_STREAM,
                subjects=[FAST_JOBS, BULK_JOBS],
                retention=RetentionPolicy.WORK_QUEUE,
                storage=StorageType.FILE,
                num_replicas=self._replicas,
            )
        )
        await self._declare_stream(
            StreamConfig(
                name=EVENTS_STREAM,
                subjects=[EVENTS],
                retention=RetentionPolicy.LIMITS,
                storage=StorageType.FILE,
                num_replicas=self._replicas,
                max_age=EVENTS_KEPT_SECONDS,
            )
        )
        for subscription in _SUBSCRIPTIONS:
            await self.jetstream.add_consumer(subscription.stream, _consumer_config(subscription))

    async def publish(self, subject: str, payload: bytes, message_id: str) -> None:
        """Publish and wait until the stream has stored it."""
        await self.jetstream.publish(subject, payload, timeout=PUBLISH_SECONDS, headers={"Nats-Msg-Id": message_id})

    async def waiting(self, subscription: Subscription) -> int:
        """Messages that no consumer has taken yet."""
        info = await self.jetstream.consumer_info(subscription.stream, subscription.durable, timeout=PUBLISH_SECONDS)
        return info.num_pending or 0

    async def close(self) -> None:
        """Flush and disconnect."""
        try:
            async with asyncio.timeout(5):
                await self._client.drain()
        except (TimeoutError, NatsError):
            await self._client.close()

    async def _declare_stream(self, config: StreamConfig) -> None:
        try:
            await self.jetstream.update_stream(config)
        except NotFoundError:
            await self.jetstream.add_stream(config)


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


def _consumer_config(subscription: Subscription) -> ConsumerConfig:
    return ConsumerConfig(
        durable_name=subscription.durable,
        filter_subject=subscription.subject,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ACK_WAIT_SECONDS,
        max_deliver=MAX_DELIVER,
        max_ack_pending=MAX_ACK_PENDING,
    )


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


async def _log_error(error: Exception) -> None:
    log.info("bus.disturbed", error=repr(error))

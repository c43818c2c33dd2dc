"""NATS JetStream: the streams and publishing to them.

Messages are doorbells. Losing, repeating or reordering them must be harmless to whoever consumes them.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import nats
import structlog
from nats.aio.client import Client
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
ARCHIVE_JOBS = "pressline.jobs.archive"
FAST_CONSUMER = "renderers-fast"
BULK_CONSUMER = "renderers-bulk"
ARCHIVE_CONSUMER = "renderers-archive"
EVENTS = "pressline.events.batch"
EVENTS_CONSUMER = "notifiers"

ACK_WAIT_SECONDS = 30
PUBLISH_SECONDS = 5
EVENTS_KEPT_SECONDS = 7 * 24 * 3600
MAX_DELIVER = 1000
MAX_ACK_PENDING = 1000
log = structlog.get_logger()


@dataclass(frozen=True)
class Subscription:
    """A durable consumer of a stream."""

    stream: str
    subject: str
    durable: str


FAST = Subscription(JOBS_STREAM, FAST_JOBS, FAST_CONSUMER)
BULK = Subscription(JOBS_STREAM, BULK_JOBS, BULK_CONSUMER)
ARCHIVES = Subscription(JOBS_STREAM, ARCHIVE_JOBS, ARCHIVE_CONSUMER)
NOTIFY = Subscription(EVENTS_STREAM, EVENTS, EVENTS_CONSUMER)
_SUBSCRIPTIONS = (FAST, BULK, ARCHIVES, NOTIFY)


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
            # It may go away again just now.
            await lifecycle.until_done(bus.declare, (TimeoutError,))
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
                subjects=[FAST_JOBS, BULK_JOBS, ARCHIVE_JOBS],
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


def _consumer_config(subscription: Subscription) -> ConsumerConfig:
    return ConsumerConfig(
        durable_name=subscription.durable,
        filter_subject=subscription.subject,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ACK_WAIT_SECONDS,
        max_deliver=MAX_DELIVER,
        max_ack_pending=MAX_ACK_PENDING,
    )


async def _log_error(error: Exception) -> None:
    log.info("bus.disturbed", error=repr(error))

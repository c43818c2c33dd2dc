"""The notifier's surroundings: a scheduler that serves DeliveryService from memory, and a worker that talks to it."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pressline.webhook.v1 import webhook_pb2, webhook_pb2_grpc
from services.common import rpc
from services.common.addresses import AllowList
from services.common.errors import PresslineError, Reason
from services.common.resolver import Resolver
from services.notifier.delivery import Sender
from services.notifier.worker import Worker
from services.scheduler.receivers import Room, host_and_port

TOKEN = "service-token-of-the-tests"
SECRET = "whsec_" + base64.b64encode(b"a" * 32).decode()
BODY = b'{"event":"batch.completed","data":{"batchId":"batch_1"}}'
DEADLINE_SECONDS = 60.0


async def eventually(condition: Callable[[], bool], seconds: float = DEADLINE_SECONDS) -> None:
    """Wait until a condition holds.

    Raises:
        TimeoutError: it did not in time.
    """
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@dataclass
class Row:
    """A delivery as the scheduler keeps it."""

    due: webhook_pb2.DueDelivery
    state: webhook_pb2.DeliveryState.ValueType = webhook_pb2.DELIVERY_STATE_PENDING
    next_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    attempts: list[webhook_pb2.Attempt] = field(default_factory=list)

    def make_due(self) -> None:
        """Let the time until the next attempt pass."""
        self.next_at = datetime.now(UTC)


class Scheduler(webhook_pb2_grpc.DeliveryServiceServicer):
    """Deliveries in memory, leased and recorded as the contract says."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.lease_requests: list[webhook_pb2.LeaseDeliveriesRequest] = []
        self.recordings = 0
        self.refuse_recordings: list[Reason] = []

    def add(self, url: str, keys: tuple[str, ...] = (SECRET,), attempts_made: int = 0) -> Row:
        """A delivery that is due now."""
        number = len(self.rows) + 1
        due = webhook_pb2.DueDelivery(
            id=f"dlv_{number}",
            event_id=f"evt_{number}",
            url=url,
            body=BODY,
            secrets=keys,
            attempts_made=attempts_made,
            receiver=host_and_port(url),
        )
        self.rows[due.id] = Row(due)
        return self.rows[due.id]

    async def LeaseDeliveries(  # noqa: N802 - the contract's name
        self, request: webhook_pb2.LeaseDeliveriesRequest, _context: object
    ) -> webhook_pb2.LeaseDeliveriesResponse:
        """Lease what is due."""
        self.lease_requests.append(request)
        now = datetime.now(UTC)
        room = Room(request.max_per_receiver, request.held)
        rows = [
            row
            for row in self.rows.values()
            if row.state == webhook_pb2.DELIVERY_STATE_PENDING and row.next_at <= now and room.take(row.due.receiver)
        ][: request.max_deliveries]
        for row in rows:
            row.next_at = now + timedelta(seconds=request.lease_duration.seconds)
            row.due.token = secrets.token_hex(8)
        return webhook_pb2.LeaseDeliveriesResponse(deliveries=[row.due for row in rows])

    async def RecordAttempt(  # noqa: N802 - the contract's name
        self, request: webhook_pb2.RecordAttemptRequest, _context: object
    ) -> webhook_pb2.RecordAttemptResponse:
        """Record an attempt of the lease's holder."""
        self.recordings += 1
        if self.refuse_recordings:
            raise PresslineError(self.refuse_recordings.pop(0), "Not now.")
        row = self.rows[request.id]
        if request.token != row.due.token:
            raise PresslineError(Reason.STALE_ATTEMPT, "Another lease holds this delivery.")
        row.attempts.append(request.attempt)
        row.due.attempts_made += 1
        row.state = request.state
        row.next_at = request.next_time.ToDatetime(UTC)
        return webhook_pb2.RecordAttemptResponse()


@asynccontextmanager
async def listening(scheduler: Scheduler, port: int) -> AsyncIterator[None]:
    """Serve a scheduler's internal listener."""
    server = rpc.Server(f"127.0.0.1:{port}", TOKEN)
    webhook_pb2_grpc.add_DeliveryServiceServicer_to_server(scheduler, server.grpc)
    await server.start()
    try:
        yield
    finally:
        await server.stop(grace=0)


@dataclass
class Notifier:
    """A running worker."""

    worker: Worker
    stop: asyncio.Event
    running: asyncio.Task[None]

    async def ends(self) -> None:
        """Ask it to stop and wait until it has."""
        self.stop.set()
        self.worker.ring()
        await asyncio.wait_for(self.running, 60)


@asynccontextmanager
async def notifying(port: int, allow: str, sends: int = 4, drain_seconds: float = 10) -> AsyncIterator[Notifier]:
    """Run a worker against the scheduler at a port."""
    resolver, channel = Resolver(sends), rpc.channel(f"127.0.0.1:{port}", TOKEN)
    scheduler = webhook_pb2_grpc.DeliveryServiceStub(channel)
    worker, stop = Worker(scheduler, Sender(AllowList.parse(allow), resolver), sends), asyncio.Event()
    notifier = Notifier(worker, stop, asyncio.create_task(worker.run(stop, drain_seconds)))
    try:
        yield notifier
        await notifier.ends()
    finally:
        await channel.close()
        await resolver.close()

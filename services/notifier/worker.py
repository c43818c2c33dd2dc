"""Leases due deliveries, sends them, and records how it went."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from datetime import UTC, datetime
from functools import partial

import structlog
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from pressline.webhook.v1 import webhook_pb2, webhook_pb2_grpc
from services.common import lifecycle
from services.common.errors import PresslineError, Reason
from services.common.failpoints import Failpoint, failpoint
from services.common.rpc_errors import translated
from services.notifier import schedule, signing
from services.notifier.delivery import Answer, Sender

POLL_SECONDS = 1.0
CALL_SECONDS = 5.0
RECORD_SECONDS = 30.0
# Longer than the lease call, the send and the recording together, so that nobody sends a delivery that is being sent.
LEASE_SECONDS = 60
# One receiver gets at most this part of the places, and always one: it may hold each for as long as a send may take.
RECEIVER_SHARE = 4
# Worth another try: the scheduler is away or failed. Every other refusal is final.
_PASSING = {Reason.SERVICE_UNAVAILABLE, Reason.INTERNAL_ERROR}
_random = random.SystemRandom()
log = structlog.get_logger()


class Worker:
    """Sends what is due, a bounded number at a time.

    Args:
        scheduler: where deliveries are leased and attempts recorded.
        sender: does the sending.
        sends: deliveries in flight at most, a quarter of them to one receiver; no more are leased than there are
            free places.
    """

    def __init__(self, scheduler: webhook_pb2_grpc.DeliveryServiceAsyncStub, sender: Sender, sends: int) -> None:
        self._scheduler = scheduler
        self._sender = sender
        self._sends = sends
        self._share = max(sends // RECEIVER_SHARE, 1)
        self._running: set[asyncio.Task[None]] = set()
        self._held: Counter[str] = Counter()
        self._bell = asyncio.Event()
        # There may be more to send as soon as a place is free: the last lease filled all, or all of one receiver.
        self._backlog = False

    def ring(self) -> None:
        """Look for due deliveries now rather than at the next poll."""
        self._bell.set()

    async def run(self, stop: asyncio.Event, drain_seconds: float) -> None:
        """Work until stopped, then let running sends finish for `drain_seconds`.

        What is cut off then is sent again by another notifier when its lease ends.
        """
        while not stop.is_set():
            self._bell.clear()
            free = self._sends - len(self._running)
            if free:
                await self._start_due(free)
            await lifecycle.wait(self._bell, POLL_SECONDS)
        await self._drain(drain_seconds)

    async def _start_due(self, places: int) -> None:
        # What ends while a lease is asked for still counted in the question, so the answer may leave its place empty.
        self._backlog = True
        leased = await self._lease(places)
        self._held.update(due.receiver for due in leased)
        self._backlog = len(leased) == places or max(self._held.values(), default=0) >= self._share
        for due in leased:
            task = asyncio.create_task(self._deliver(due))
            self._running.add(task)
            task.add_done_callback(partial(self._ended, due.receiver))

    async def _lease(self, places: int) -> list[webhook_pb2.DueDelivery]:
        request = webhook_pb2.LeaseDeliveriesRequest(
            max_deliveries=places,
            lease_duration=Duration(seconds=LEASE_SECONDS),
            max_per_receiver=self._share,
            held=self._held,
        )
        try:
            response = await translated(self._scheduler.LeaseDeliveries(request, timeout=CALL_SECONDS))
        except PresslineError as error:
            log.warning("deliveries.not_leased", reason=error.reason, error=error.message)
            return []
        return list(response.deliveries)

    def _ended(self, receiver: str, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._held[receiver] -= 1
        self._held = +self._held
        if not task.cancelled() and (error := task.exception()):
            log.error("delivery.failed", exc_info=error)
        if self._backlog:
            self.ring()

    async def _deliver(self, due: webhook_pb2.DueDelivery) -> None:
        failpoint(Failpoint.DELIVER_RECEIVED)
        began, clock = datetime.now(UTC), time.monotonic()
        answer = await self._send(due, began)
        failpoint(Failpoint.DELIVER_SENT)
        duration = time.monotonic() - clock
        attempts = due.attempts_made + 1
        decision = schedule.decide(
            attempts, answer.status, answer.retry_after, datetime.now(UTC), _random.uniform(-1, 1)
        )
        log.info("webhook.sent", delivery=due.id, attempt=attempts, status=answer.status, error=answer.error)
        await self._record(
            webhook_pb2.RecordAttemptRequest(
                id=due.id,
                token=due.token,
                attempt=_attempt(began, duration, answer),
                state=decision.state,
                next_time=_timestamp(decision.next_time) if decision.next_time else None,
            )
        )

    async def _send(self, due: webhook_pb2.DueDelivery, began: datetime) -> Answer:
        try:
            headers = signing.headers(due.event_id, list(due.secrets), due.body, began)
            return await self._sender.post(due.url, headers, due.body)
        except Exception:
            # Recorded like any failed attempt: a delivery that breaks the sender must reach its end as well.
            log.exception("webhook.not_sent", delivery=due.id)
            return Answer(error="internal error")

    async def _record(self, request: webhook_pb2.RecordAttemptRequest) -> None:
        """Record an attempt, again and again while the scheduler is away and the lease lasts."""
        end = time.monotonic() + RECORD_SECONDS
        while True:
            try:
                await translated(self._scheduler.RecordAttempt(request, timeout=CALL_SECONDS))
                return
            except PresslineError as error:
                if error.reason not in _PASSING or time.monotonic() + CALL_SECONDS > end:
                    log.warning("attempt.not_recorded", delivery=request.id, reason=error.reason, error=error.message)
                    return
            await asyncio.sleep(1)

    async def _drain(self, seconds: float) -> None:
        if not self._running:
            return
        _, late = await asyncio.wait(self._running, timeout=seconds)
        for task in late:
            task.cancel()
        if late:
            log.warning("drain.incomplete", deliveries=len(late))
            await asyncio.wait(late, timeout=CALL_SECONDS)


def _attempt(began: datetime, duration: float, answer: Answer) -> webhook_pb2.Attempt:
    took = Duration()
    took.FromMicroseconds(int(duration * 1_000_000))
    return webhook_pb2.Attempt(
        start_time=_timestamp(began), status_code=answer.status, duration=took, error=answer.error
    )


def _timestamp(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp

"""From a leased delivery to a recorded attempt, with a real scheduler listener and real receivers."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from standardwebhooks import Webhook

from pressline.webhook.v1 import webhook_pb2
from services.common.errors import Reason
from services.notifier import worker as worker_module
from services.notifier.delivery import SEND_SECONDS
from tests.support.notifier_peers import BODY, SECRET, Row, Scheduler, eventually, listening, notifying
from tests.support.notifier_receivers import canary, receiving, status
from tests.support.ports import free_port

OTHER_SECRET = "whsec_" + base64.b64encode(b"b" * 32).decode()
PENDING = webhook_pb2.DELIVERY_STATE_PENDING
DELIVERED = webhook_pb2.DELIVERY_STATE_DELIVERED


async def _until_attempted(row: Row, times: int = 1) -> webhook_pb2.Attempt:
    await eventually(lambda: len(row.attempts) >= times)
    return row.attempts[times - 1]


async def _deliver_one(answer: Callable[[web.Request], Awaitable[web.StreamResponse]], made: int = 0) -> Row:
    port, scheduler = free_port(), Scheduler()
    async with listening(scheduler, port), receiving(answer) as receiver:
        row = scheduler.add(receiver.url, attempts_made=made)
        async with notifying(port, receiver.allowed):
            await _until_attempted(row)
    return row


async def test_a_delivery_is_sent_signed_and_recorded() -> None:
    port, scheduler = free_port(), Scheduler()
    async with listening(scheduler, port), receiving() as receiver:
        row = scheduler.add(receiver.url, keys=(OTHER_SECRET, SECRET))
        async with notifying(port, receiver.allowed):
            attempt = await _until_attempted(row)
    (got,) = receiver.received
    assert got.body == BODY
    assert got.headers["webhook-id"] == row.due.event_id
    for secret in (SECRET, OTHER_SECRET):
        assert Webhook(secret).verify(got.body, got.headers)["event"] == "batch.completed"
    assert (row.state, attempt.status_code, attempt.error) == (DELIVERED, 200, "")
    assert 0 < attempt.duration.ToSeconds() + attempt.duration.nanos < 5 * 10**9
    assert abs(attempt.start_time.ToDatetime(UTC) - datetime.now(UTC)) < timedelta(seconds=120)


async def test_a_failure_is_tried_again_later_with_the_same_id() -> None:
    async def second_time_lucky(request: web.Request) -> web.StreamResponse:
        return web.Response(status=500 if len(receiver.received) == 1 else 204)

    port, scheduler = free_port(), Scheduler()
    async with listening(scheduler, port), receiving(second_time_lucky) as receiver:
        row = scheduler.add(receiver.url)
        async with notifying(port, receiver.allowed):
            first = await _until_attempted(row)
            began, took = first.start_time.ToDatetime(UTC), first.duration.ToTimedelta()
            assert (row.state, first.status_code) == (PENDING, 500)
            assert timedelta(seconds=4.5) <= row.next_at - (began + took) <= timedelta(seconds=60)
            assert len(receiver.received) == 1
            row.make_due()
            second = await _until_attempted(row, times=2)
    assert (row.state, second.status_code) == (DELIVERED, 204)
    assert [got.headers["webhook-id"] for got in receiver.received] == [row.due.event_id] * 2
    for got, attempt in zip(receiver.received, row.attempts, strict=True):
        assert got.headers["webhook-timestamp"] == str(attempt.start_time.seconds)


@pytest.mark.parametrize(
    ("code", "made", "state"),
    [
        (410, 0, webhook_pb2.DELIVERY_STATE_DISABLED),
        (302, 0, PENDING),
        (404, 8, PENDING),
        (500, 9, webhook_pb2.DELIVERY_STATE_DEAD),
    ],
)
async def test_the_state_follows_the_answer(code: int, made: int, state: int) -> None:
    row = await _deliver_one(status(code, location="http://127.0.0.1:9/"), made)
    assert (row.state, row.attempts[0].status_code) == (state, code)
    assert (row.next_at > datetime.now(UTC)) == (state == PENDING)


async def test_retry_after_moves_the_next_attempt() -> None:
    row = await _deliver_one(status(503, retry_after="450"), made=1)
    wait = row.next_at - row.attempts[0].start_time.ToDatetime(UTC)
    assert timedelta(seconds=450) <= wait <= timedelta(seconds=500)


async def test_a_private_receiver_is_refused_without_a_connection() -> None:
    port, scheduler = free_port(), Scheduler()
    async with listening(scheduler, port), canary() as bird:
        row = scheduler.add(f"http://localhost:{bird.port}/")
        async with notifying(port, allow=""):
            attempt = await _until_attempted(row)
        assert bird.connects == 0
    assert (row.state, attempt.status_code, attempt.error) == (PENDING, 0, "address not allowed")


async def test_a_delivery_that_cannot_be_signed_does_not_stop_the_others() -> None:
    port, scheduler = free_port(), Scheduler()
    async with listening(scheduler, port), receiving() as receiver:
        broken, whole = scheduler.add(receiver.url, keys=("whsec_",)), scheduler.add(receiver.url)
        async with notifying(port, receiver.allowed, sends=1):
            await _until_attempted(whole)
    assert (broken.state, broken.attempts[0].error) == (PENDING, "internal error")
    assert len(receiver.received) == 1


async def test_no_more_is_leased_than_is_sent_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "POLL_SECONDS", 600)
    at_once: list[int] = []
    both_busy = asyncio.Event()

    async def slowly(request: web.Request) -> web.StreamResponse:
        at_once.append(one.in_progress + other.in_progress)
        if at_once[-1] == 2:
            both_busy.set()
        await both_busy.wait()
        await asyncio.sleep(0.01)
        return web.Response()

    port, scheduler = free_port(), Scheduler()
    async with listening(scheduler, port), receiving(slowly) as one, receiving(slowly) as other:
        rows = [scheduler.add(receiver.url) for _ in range(10) for receiver in (one, other)]
        async with notifying(port, f"{one.allowed},{other.allowed}", sends=2):
            await eventually(lambda: all(row.state == DELIVERED for row in rows))
    assert max(at_once) == 2
    assert len(one.received) == len(other.received) == 10
    assert all(1 <= request.max_deliveries <= 2 for request in scheduler.lease_requests)
    lease = scheduler.lease_requests[0].lease_duration.seconds
    assert lease > SEND_SECONDS + worker_module.CALL_SECONDS + worker_module.RECORD_SECONDS


async def test_a_receiver_that_hangs_holds_a_quarter_of_the_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "POLL_SECONDS", 600)
    let_go = asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        await let_go.wait()
        return web.Response()

    port, scheduler = free_port(), Scheduler()
    async with listening(scheduler, port), receiving(hang) as hanging, receiving() as healthy:
        stuck = [scheduler.add(hanging.url) for _ in range(40)]
        fine = [scheduler.add(healthy.url) for _ in range(40)]
        async with notifying(port, f"{hanging.allowed},{healthy.allowed}", sends=8):
            await eventually(lambda: all(row.state == DELIVERED for row in fine))
            assert not any(row.attempts for row in stuck)
            leased = [row for row in stuck if row.due.token]
            let_go.set()
            await eventually(lambda: all(row.state == DELIVERED for row in stuck))
    assert (len(leased), hanging.most_at_once) == (2, 2)


async def test_a_ring_is_answered_before_the_next_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "POLL_SECONDS", 600)
    port, scheduler = free_port(), Scheduler()
    async with listening(scheduler, port), receiving() as receiver, notifying(port, receiver.allowed) as notifier:
        await eventually(lambda: len(scheduler.lease_requests) == 1)
        row = scheduler.add(receiver.url)
        notifier.worker.ring()
        await _until_attempted(row)


async def test_recording_is_repeated_while_the_scheduler_fails() -> None:
    port, scheduler = free_port(), Scheduler()
    scheduler.refuse_recordings = [Reason.INTERNAL_ERROR, Reason.SERVICE_UNAVAILABLE]
    async with listening(scheduler, port), receiving() as receiver:
        row = scheduler.add(receiver.url)
        async with notifying(port, receiver.allowed):
            await _until_attempted(row)
    assert len(receiver.received) == len(row.attempts) == 1


async def test_recording_waits_for_a_scheduler_that_restarts() -> None:
    arrived, answer_now = asyncio.Event(), asyncio.Event()

    async def when_told(request: web.Request) -> web.StreamResponse:
        arrived.set()
        await answer_now.wait()
        return web.Response()

    port, scheduler = free_port(), Scheduler()
    async with receiving(when_told) as receiver, notifying(port, receiver.allowed):
        row = scheduler.add(receiver.url)
        async with listening(scheduler, port):
            await asyncio.wait_for(arrived.wait(), 60)
        answer_now.set()
        await eventually(lambda: receiver.in_progress == 0)
        async with listening(scheduler, port):
            await _until_attempted(row)
    assert row.state == DELIVERED
    assert len(receiver.received) == len(row.attempts) == 1


async def test_a_lost_lease_ends_the_recording() -> None:
    port, scheduler = free_port(), Scheduler()
    scheduler.refuse_recordings = [Reason.STALE_ATTEMPT]
    async with listening(scheduler, port), receiving() as receiver:
        scheduler.add(receiver.url)
        later = scheduler.add(receiver.url)
        async with notifying(port, receiver.allowed, sends=1):
            await _until_attempted(later)
    assert scheduler.recordings == 2

"""Stopping in the middle of a send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from pressline.webhook.v1 import webhook_pb2
from tests.support.notifier_peers import Notifier, Scheduler, eventually, listening, notifying
from tests.support.notifier_receivers import Receiver, accept, receiving
from tests.support.ports import free_port


@asynccontextmanager
async def _sending(drain_seconds: float) -> AsyncIterator[tuple[Scheduler, Receiver, Notifier, asyncio.Event]]:
    """A notifier in the middle of a send; the receiver answers once the event is set."""
    answer_now = asyncio.Event()

    async def when_told(request: web.Request) -> web.StreamResponse:
        await answer_now.wait()
        return await accept(request)

    port, scheduler = free_port(), Scheduler()
    async with listening(scheduler, port), receiving(when_told) as receiver:
        scheduler.add(receiver.url)
        async with notifying(port, receiver.allowed, drain_seconds=drain_seconds) as notifier:
            await eventually(lambda: len(receiver.received) == 1)
            yield scheduler, receiver, notifier, answer_now


async def test_stopping_finishes_what_is_being_sent_and_starts_nothing() -> None:
    async with _sending(drain_seconds=10) as (scheduler, receiver, notifier, answer_now):
        ending = asyncio.create_task(notifier.ends())
        await eventually(notifier.stop.is_set)
        late = scheduler.add(receiver.url)
        answer_now.set()
        await ending
        assert scheduler.rows["dlv_1"].state == webhook_pb2.DELIVERY_STATE_DELIVERED
        assert late.attempts == []
    assert len(receiver.received) == 1


async def test_stopping_waits_no_longer_than_the_drain() -> None:
    async with _sending(drain_seconds=0.1) as (scheduler, _, notifier, _answer_now):
        await notifier.ends()
        assert scheduler.rows["dlv_1"].attempts == []
        assert scheduler.rows["dlv_1"].state == webhook_pb2.DELIVERY_STATE_PENDING

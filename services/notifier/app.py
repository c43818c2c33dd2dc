"""The notifier's wiring."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

from pressline.webhook.v1 import webhook_pb2_grpc
from services.common import lifecycle, rpc
from services.common.bus import NOTIFY, Bus
from services.common.consumer import Consumer, Done, Verdict
from services.common.resolver import Resolver
from services.notifier.delivery import Sender
from services.notifier.settings import NotifierSettings
from services.notifier.worker import Worker


async def serve(settings: NotifierSettings, stop: asyncio.Event) -> None:
    """Send webhooks until stopped, then finish the running ones."""
    async with AsyncExitStack() as closing:
        resolver = Resolver(settings.notifier_sends)
        closing.push_async_callback(resolver.close)
        token = settings.service_token.get_secret_value()
        channel = rpc.channel(settings.scheduler_internal_address, token, settings.internal_tls)
        closing.push_async_callback(channel.close)
        scheduler = webhook_pb2_grpc.DeliveryServiceStub(channel)
        worker = Worker(scheduler, Sender(settings.webhook_allow, resolver), settings.notifier_sends)
        health = rpc.Server(settings.notifier_health_listen)
        await health.start()
        closing.push_async_callback(health.stop, grace=1)
        await _work(settings, stop, worker, health)


async def _work(settings: NotifierSettings, stop: asyncio.Event, worker: Worker, health: rpc.Server) -> None:
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(worker.run(stop, settings.drain_seconds))
        listening = tasks.create_task(_listen(settings, stop, worker.ring))
        await stop.wait()
        await health.set_serving(False)
        worker.ring()
        await sending
        listening.cancel()


async def _listen(settings: NotifierSettings, stop: asyncio.Event, ring: Callable[[], None]) -> None:
    """Ring at every event. Without NATS deliveries still leave, by polling."""

    async def rung(_event: bytes) -> Verdict:
        ring()
        return Done()

    async def consume() -> None:
        connection = await Bus.connect(settings.nats_url, "notifier", settings.nats_replicas)
        try:
            await Consumer(connection, NOTIFY, 1, rung).run(stop, 0)
        finally:
            await connection.close()

    await lifecycle.every(1, stop, consume)

"""The notifier as it is started: settings in, health, webhooks out, SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest
from aiohttp import web
from grpc_health.v1 import health_pb2, health_pb2_grpc
from pydantic import SecretStr

from pressline.webhook.v1 import webhook_pb2
from services.common.addresses import AllowList
from services.common.bus import EVENTS, NOTIFY, Bus
from services.notifier import worker
from services.notifier.app import serve
from services.notifier.settings import NotifierSettings
from tests.support.notifier_peers import TOKEN, Scheduler, eventually, listening
from tests.support.notifier_receivers import accept, receiving
from tests.support.ports import free_port
from tests.support.servers import UrlServer


@asynccontextmanager
async def _notifier(**settings: str) -> AsyncIterator[Process]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PRESSLINE_")}
    environment |= {f"PRESSLINE_{name.upper()}": value for name, value in settings.items()}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-X", "dev", "-m", "services.notifier", env=environment, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _health(port: int) -> int:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        check = health_pb2_grpc.HealthStub(channel).Check
        response = await check(health_pb2.HealthCheckRequest(), timeout=60, wait_for_ready=True)
        return int(response.status)


async def test_it_delivers_without_nats_and_drains_at_sigterm() -> None:
    answer_now = asyncio.Event()

    async def when_told(request: web.Request) -> web.StreamResponse:
        await answer_now.wait()
        return await accept(request)

    port, health_port, scheduler = free_port(), free_port(), Scheduler()
    async with (
        listening(scheduler, port),
        receiving(when_told) as receiver,
        _notifier(
            service_token=TOKEN,
            scheduler_internal_address=f"127.0.0.1:{port}",
            notifier_health_listen=f"127.0.0.1:{health_port}",
            nats_url=f"nats://127.0.0.1:{free_port()}",
            webhook_allow=receiver.allowed,
        ) as process,
    ):
        assert await _health(health_port) == health_pb2.HealthCheckResponse.SERVING
        row = scheduler.add(receiver.url)
        await eventually(lambda: len(receiver.received) == 1)
        process.send_signal(signal.SIGTERM)
        asked = time.monotonic()
        while await _health(health_port) == health_pb2.HealthCheckResponse.SERVING:
            assert time.monotonic() - asked < 60
        assert process.returncode is None
        answer_now.set()
        _, errors = await asyncio.wait_for(process.communicate(), 60)
    assert row.state == webhook_pb2.DELIVERY_STATE_DELIVERED
    assert process.returncode == 0
    for trouble in ("Traceback", "Warning", "never retrieved", "was destroyed"):
        assert trouble not in errors.decode()


async def test_a_bad_setting_ends_it_with_a_sentence() -> None:
    async with _notifier(service_token=TOKEN, webhook_allow="10.0.0.1/8") as process:
        _, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 2
    assert "PRESSLINE_WEBHOOK_ALLOW" in errors.decode()
    assert "'10.0.0.1/8'" in errors.decode()


async def test_an_event_on_the_bus_is_a_doorbell(nats_server: UrlServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "POLL_SECONDS", 600)
    port, scheduler, stop = free_port(), Scheduler(), asyncio.Event()
    bus = await Bus.connect(nats_server.url, "test")
    await bus.jetstream.purge_stream(NOTIFY.stream)
    async with listening(scheduler, port), receiving() as receiver:
        settings = NotifierSettings(
            service_token=SecretStr(TOKEN),
            scheduler_internal_address=f"127.0.0.1:{port}",
            notifier_health_listen=f"127.0.0.1:{free_port()}",
            nats_url=nats_server.url,
            webhook_allow=AllowList.parse(receiver.allowed),
        )
        running = asyncio.create_task(serve(settings, stop))
        await eventually(lambda: len(scheduler.lease_requests) >= 1)
        row = scheduler.add(receiver.url)
        await bus.publish(EVENTS, row.due.event_id.encode(), row.due.event_id)
        await eventually(lambda: row.state == webhook_pb2.DELIVERY_STATE_DELIVERED)
        stop.set()
        await asyncio.wait_for(running, 60)
        consumer = await bus.jetstream.consumer_info(NOTIFY.stream, NOTIFY.durable)
        assert (consumer.num_pending, consumer.num_ack_pending) == (0, 0)
    await bus.close()

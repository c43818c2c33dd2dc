"""An item over which its renderer dies, again and again: it fails in the end, and nothing else does."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from aiohttp import web

from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from services.common.bus import FAST_JOBS, Bus
from services.scheduler.model import MAX_CRASHES
from services.scheduler.settings import SchedulerSettings
from services.scheduler.tasks import RENDERER_CRASHED
from tests.support.notifier_receivers import receiving
from tests.support.ports import free_port
from tests.support.renderer import chromium
from tests.support.scheduler import PNG, TOKEN, Client, running_scheduler, scheduler_settings
from tests.support.servers import S3Server, UrlServer

LEASE_SECONDS = 5
GOOD = 3
STEP_SECONDS = 120
OPEN = {batch_pb2.ITEM_STATE_PENDING, batch_pb2.ITEM_STATE_DISPATCHED, batch_pb2.ITEM_STATE_RENDERING}
ENDLESS = "<script>pressline.ready(new Promise(() => 0))</script>"


class Site:
    """Hears of every document that is being rendered, and keeps the good ones waiting until its gate is open."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.gate = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        if request.path != "/poison":
            await self.gate.wait()
        return web.Response(text="", content_type="text/css")


@asynccontextmanager
async def renderer(scheduler: SchedulerSettings, site_port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process with a page for each item, killed at the end."""
    shared = {
        "NATS_URL": scheduler.nats_url,
        "S3_URL": scheduler.s3_url,
        "S3_ACCESS_KEY": scheduler.s3_access_key,
        "S3_SECRET_KEY": scheduler.s3_secret_key.get_secret_value(),
        "S3_BUCKET": scheduler.s3_bucket,
        "SCHEDULER_INTERNAL_ADDRESS": scheduler.scheduler_internal_listen,
        "SERVICE_TOKEN": TOKEN,
        "TEMPLATE_ALLOW": f"127.0.0.1:{site_port}",
        "RENDERER_HEALTH_LISTEN": f"127.0.0.1:{free_port()}",
        "RENDERER_BROWSERS": "1",
        "RENDERER_PAGES": str(GOOD + 1),
        "CHROMIUM": chromium(),
    }
    env = {**os.environ, **{f"PRESSLINE_{name}": value for name, value in shared.items()}}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "services.renderer", env=env)
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


async def ring_until(true: Callable[[], bool], client: Client, bus: Bus, batch_id: str) -> bool:
    """Announce open items again and again, which is harmless, until something is true; false when the poison ends."""
    async with asyncio.timeout(STEP_SECONDS):
        while not true():
            items = await client.items(batch_id)
            if items[0].state not in OPEN:
                return False
            for item in items:
                if item.state in OPEN:
                    payload = task_pb2.TaskRef(item_id=item.id, dispatch_n=1).SerializeToString()
                    await bus.publish(FAST_JOBS, payload, secrets.token_hex(8))
            for _ in range(10):
                await asyncio.sleep(0.1)
                if true():
                    break
    return True


async def test_an_item_that_kills_its_renderer_fails_alone(
    nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server
) -> None:
    settings = scheduler_settings(nats_server, mongodb_server, s3_server, lease_seconds=LEASE_SECONDS)
    site = Site()
    async with running_scheduler(settings) as scheduler, receiving(site.answer) as receiver:
        client = await scheduler.as_account("poison")
        url = f"http://127.0.0.1:{receiver.port}"
        names = ["poison", *(f"good-{number}" for number in range(GOOD))]
        items = [batch_pb2.ItemSpec(source=batch_pb2.Source(html=document(url, name))) for name in names]
        spec = batch_pb2.BatchSpec(dialect=batch_pb2.DIALECT_NATIVE, output=PNG)
        batch_id = (await client.submit_items(spec, items)).batch.id
        bus = await Bus.connect(nats_server.url, "test")
        kills = 0
        while kills <= MAX_CRASHES:
            async with renderer(settings, receiver.port):
                if not await ring_until(partial(in_flight, site.asked, kills), client, bus, batch_id):
                    break
                kills += 1
            site.gate.set()
        await bus.close()
        batch = await client.until_ended(batch_id, STEP_SECONDS)
        poison, *good = await client.items(batch_id)
    assert kills <= MAX_CRASHES
    assert [error.code for error in poison.errors] == [RENDERER_CRASHED]
    assert {item.state for item in good} == {batch_pb2.ITEM_STATE_SUCCEEDED}, good
    assert (batch.counts.succeeded, batch.counts.failed) == (GOOD, 1)
    # They died with it once, when nobody knew.
    assert {item.crashes for item in good} == {1}


def document(url: str, name: str) -> str:
    return f"<link rel=stylesheet href='{url}/{name}'>{name}" + (ENDLESS if name == "poison" else "")


def in_flight(asked: list[str], kills: int) -> bool:
    """Whether the poison is being rendered again, the first time beside all others."""
    return asked.count("/poison") > kills and (kills > 0 or len(set(asked)) == GOOD + 1)

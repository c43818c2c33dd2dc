"""The renderer's wiring: what is made of what, started and stopped in which order."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import structlog

from services.common import lifecycle, rpc
from services.common.blobs import BlobStore
from services.common.bus import ARCHIVES, BULK, FAST, Bus
from services.common.consumer import FETCH_SECONDS, Consumer
from services.renderer.archives.archiver import Archiver
from services.renderer.archives.jobs import ArchiveJobs
from services.renderer.egress.egress import running_egress
from services.renderer.engine.browser import Launcher
from services.renderer.engine.engine import Engine
from services.renderer.engine.processes import adopt_orphans
from services.renderer.engine.workspace import Workspace
from services.renderer.settings import RendererSettings
from services.renderer.sources import Sources
from services.renderer.tasks import Tasks
from services.renderer.worker import Worker

log = structlog.get_logger()


async def serve(settings: RendererSettings, stop: asyncio.Event) -> None:
    """Render until stopped, then finish what is in flight, or hand it back."""
    adopt_orphans()
    async with AsyncExitStack() as closing:
        health = rpc.Server(settings.renderer_health_listen)
        engine = await closing.enter_async_context(running_engine(settings))
        token = settings.service_token.get_secret_value()
        channel = rpc.channel(settings.scheduler_internal_address, token, settings.internal_tls)
        closing.push_async_callback(channel.close)
        blobs = BlobStore(settings)
        closing.push_async_callback(blobs.close)
        bus = await lifecycle.unless_stopped(Bus.connect(settings.nats_url, "renderer", settings.nats_replicas), stop)
        closing.push_async_callback(bus.close)
        name = f"{socket.gethostname()}-{os.getpid()}"
        tasks = Tasks(channel, name)
        egress = await closing.enter_async_context(running_egress(settings))
        worker = Worker(tasks, Sources(tasks.source), engine, blobs, settings.item_timeout_seconds, egress)
        folder = Path(settings.renderer_archive_folder) if settings.renderer_archive_folder else None
        archiver = Archiver(ArchiveJobs(channel, name), blobs, folder)
        await health.start()
        closing.push_async_callback(health.stop, grace=1)
        await _work(settings, stop, health, bus, worker, archiver)


@asynccontextmanager
async def running_engine(settings: RendererSettings) -> AsyncIterator[Engine]:
    """An engine that is ready, in a workspace that goes with it."""
    workspace = Workspace()
    launcher = Launcher(
        settings.chromium,
        workspace,
        sandbox=settings.chromium_sandbox,
        memory_mb=settings.renderer_browser_memory_mb,
    )
    engine = Engine(
        launcher,
        browsers=settings.renderer_browsers,
        pages=settings.renderer_pages,
        recycle_after=settings.renderer_recycle_items,
        smallest_files=settings.renderer_smallest_files,
    )
    try:
        await launcher.start()
        await engine.start()
        yield engine
    finally:
        await engine.close()
        await launcher.close()
        workspace.close()


async def _work(
    settings: RendererSettings, stop: asyncio.Event, health: rpc.Server, bus: Bus, worker: Worker, archiver: Archiver
) -> None:
    slots = settings.renderer_browsers * (settings.renderer_pages + 1)
    # Either lane alone fills every page, and has an item more for each browser: one is claimed, stored or reported
    # while others are drawn. The next free page goes to whoever waited longest, so a large batch delays a small one by
    # little more than one item.
    lanes = (Consumer(bus, lane, slots, worker.handle) for lane in (FAST, BULK))
    # An archive is made beside the renders, which need the cores more than it does: one at a time.
    consumers = (*lanes, Consumer(bus, ARCHIVES, 1, archiver.handle))
    # A fetch that is under way ends before draining begins.
    drain = max(settings.drain_seconds - FETCH_SECONDS, 0)
    async with asyncio.TaskGroup() as group:
        for consumer in consumers:
            group.create_task(consumer.run(stop, drain))
        log.info("renderer.serving", slots=slots)
        await stop.wait()
        await health.set_serving(False)
    log.info("renderer.drained")

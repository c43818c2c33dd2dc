"""The renderer as a process: it serves, drains, and leaves nothing behind however it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import grpc
import psutil
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from pressline.task.v1 import task_pb2
from services.common.bus import BULK_JOBS, FAST_JOBS, Bus
from services.renderer.engine.workspace import PREFIX, Workspace
from tests.support.ports import free_port
from tests.support.renderer import image, source
from tests.support.renderer_tasks import Desk, serving_desk
from tests.support.scheduler import TOKEN
from tests.support.servers import S3Server, UrlServer

ENDLESS = "<script>pressline.ready(new Promise(() => 0))</script>"


class Running:
    """A renderer process and what it talks to."""

    def __init__(self, process: asyncio.subprocess.Process, desk: Desk, bus: Bus, health: str, folder: Path) -> None:
        self.process, self.desk, self.bus, self.health, self.folder = process, desk, bus, health, folder

    async def ring(self, item_id: str, body: str, subject: str = BULK_JOBS) -> None:
        document = source(body)
        self.desk.sources[document.id] = document
        render = task_pb2.Render(source_id=document.id, output=image(), object_key=f"t/{item_id}.png")
        self.desk.offer(item_id, render)
        payload = task_pb2.TaskRef(item_id=item_id, dispatch_n=1).SerializeToString()
        await self.bus.publish(subject, payload, f"{item_id}-{time.monotonic_ns()}")

    async def serving(self) -> bool:
        try:
            async with grpc.aio.insecure_channel(self.health) as channel:
                stub = health_pb2_grpc.HealthStub(channel)
                answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=10)
                return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
        except grpc.aio.AioRpcError:
            return False

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the renderer keeps its temporary files; an unprivileged browser must be able to enter it."""
    workspace = Workspace()
    inner = workspace.path / "tmp"
    inner.mkdir(mode=0o755)
    yield inner
    workspace.close()


@asynccontextmanager
async def renderer(nats: UrlServer, s3: S3Server, folder: Path, **changes: str) -> AsyncIterator[Running]:
    bus = await Bus.connect(nats.url, "test")
    health = f"127.0.0.1:{free_port()}"
    async with serving_desk() as (desk, address):
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("PRESSLINE_")},
            "TMPDIR": str(folder),
            "PRESSLINE_NATS_URL": nats.url,
            "PRESSLINE_S3_URL": s3.url,
            "PRESSLINE_S3_ACCESS_KEY": s3.access_key,
            "PRESSLINE_S3_SECRET_KEY": s3.secret_key,
            "PRESSLINE_S3_BUCKET": s3.bucket,
            "PRESSLINE_SCHEDULER_INTERNAL_ADDRESS": address,
            "PRESSLINE_SERVICE_TOKEN": TOKEN,
            "PRESSLINE_RENDERER_HEALTH_LISTEN": health,
            "PRESSLINE_RENDERER_BROWSERS": "1",
            **changes,
        }
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "services.renderer", env=environment)
        running = Running(process, desk, bus, health, folder)
        try:
            async with asyncio.timeout(60):
                while not await running.serving():
                    assert process.returncode is None
                    await asyncio.sleep(0.1)
            yield running
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            await bus.close()


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if PREFIX in path.name]


async def gone(processes: list[psutil.Process], seconds: float = 60) -> list[psutil.Process]:
    _, alive = await asyncio.to_thread(psutil.wait_procs, processes, seconds)
    return [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


async def shown_family(running: Running) -> list[psutil.Process]:
    """The renderer's processes, once a page's is among them."""
    async with asyncio.timeout(60):
        while True:
            family = running.family()
            with suppress(psutil.NoSuchProcess):
                if any("--type=renderer" in process.cmdline() for process in family):
                    return family
            await asyncio.sleep(0.05)


async def test_both_lanes_are_served_and_sigterm_finishes_what_is_running(
    nats_server: UrlServer, s3_server: S3Server, folder: Path
) -> None:
    async with renderer(nats_server, s3_server, folder) as running:
        await running.ring("fast", "<p>x", FAST_JOBS)
        await running.ring("bulk", "<p>x", BULK_JOBS)
        await running.desk.wait_for("complete", 2)
        slow = "<script>pressline.ready(new Promise((done) => setTimeout(done, 3000)))</script>"
        await running.ring("slow", slow)
        await running.desk.wait_for("claim", 3)
        await asyncio.sleep(0.5)
        family = running.family()
        running.process.terminate()
        started = time.monotonic()
        while await running.serving():
            assert time.monotonic() - started < 60
        assert await asyncio.wait_for(running.process.wait(), 60) == 0
        assert running.desk.methods().count("complete") == 3
        assert "release" not in running.desk.methods()
        assert await gone(family) == []
        assert leftovers(folder) == []


async def test_what_does_not_finish_in_time_is_handed_back(
    nats_server: UrlServer, s3_server: S3Server, folder: Path
) -> None:
    async with renderer(nats_server, s3_server, folder, PRESSLINE_DRAIN_SECONDS="5") as running:
        await running.ring("endless", ENDLESS)
        await running.desk.wait_for("source")
        await asyncio.sleep(0.5)
        family = running.family()
        running.process.terminate()
        started = time.monotonic()
        assert await asyncio.wait_for(running.process.wait(), 60) == 0
        assert time.monotonic() - started < 45
        assert [method for method in running.desk.methods() if method != "extend"][-1] == "release"
        assert [request.crashed for method, request in running.desk.told if method == "release"] == [False]
        assert await gone(family) == []
        assert leftovers(folder) == []
        running.desk.tasks.clear()


async def test_a_killed_renderer_takes_chromium_along_and_the_next_one_tidies_up(
    nats_server: UrlServer, s3_server: S3Server, folder: Path
) -> None:
    async with renderer(nats_server, s3_server, folder) as running:
        await running.ring("endless", "<script>while (true);</script>")
        await running.desk.wait_for("source")
        family = await shown_family(running)
        running.process.send_signal(signal.SIGKILL)
        await running.process.wait()
        assert await gone(family) == []
        assert leftovers(folder) != []
    async with renderer(nats_server, s3_server, folder) as running:
        assert len([name for name in leftovers(folder) if name.startswith(PREFIX)]) == 1
        running.process.terminate()
        await running.process.wait()
        assert leftovers(folder) == []

"""Services as processes of a test: each may be started to die at a failpoint, and is started again when it has."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from pressline_local import launch, probes
from pressline_local.program import Probe
from services.common.failpoints import Failpoint
from tests.support.failpoints import nursery
from tests.support.ports import free_port
from tests.support.servers import S3Server, UrlServer

TOKEN = "failpoints"
SERVE_SECONDS = 300
STOP_SECONDS = 90
# Longer than the time from one extension to the next, so that only those are taken over whose renderer is dead.
LEASE_SECONDS = 15
SWEEP_SECONDS = 1


class Nursery:
    """Where the processes of one service come from, and where it is known which of them have ended."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._asking = asyncio.Lock()
        self._born: asyncio.Queue[asyncio.Future[int]] = asyncio.Queue()
        self._codes: dict[int, asyncio.Future[int]] = {}

    async def start(self, settings: Mapping[str, str], log: Path) -> asyncio.Future[int]:
        """Start a process with such settings in its environment; its exit code, once it has one."""
        async with self._asking:
            process = await self._running()
            assert process.stdin is not None
            order = {"env": {**os.environ, **settings}, "log": str(log)}
            process.stdin.write(json.dumps(order).encode() + b"\n")
            return await asyncio.wait_for(self._born.get(), SERVE_SECONDS)

    def signal(self, ending: asyncio.Future[int], number: signal.Signals) -> None:
        """Signal a process that has not ended."""
        os.kill(next(pid for pid, code in self._codes.items() if code is ending), number)

    async def close(self) -> None:
        """End it; no process of it may be left."""
        if self._process is not None and self._reading is not None and self._process.stdin is not None:
            self._process.stdin.close()
            assert await asyncio.wait_for(self._process.wait(), STOP_SECONDS) == 0
            await self._reading

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                # It ends with this process, however that ends.
                *(sys.executable, "-I", "-S", launch.__file__, str(int(signal.SIGKILL)), str(os.getpid())),
                *(sys.executable, "-m", nursery.__name__, self._service),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            self._reading = asyncio.create_task(self._read(self._process))
        return self._process

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            said = json.loads(line)
            if "born" in said:
                code = self._codes[said["born"]] = asyncio.get_running_loop().create_future()
                self._born.put_nowait(code)
            else:
                self._codes.pop(said["dead"]).set_result(said["code"])


@dataclass
class Service:
    """One process of a service.

    Attributes:
        nursery: starts it.
        settings: its environment, beside this process's own.
        probe: raises as long as it does not serve.
        log: the file that it writes to.
    """

    nursery: Nursery
    settings: Mapping[str, str]
    probe: Probe
    log: Path
    _ending: asyncio.Future[int] | None = field(default=None, init=False)

    @property
    def alive(self) -> bool:
        return self._ending is not None and not self._ending.done()

    async def start(self, point: Failpoint | None = None) -> None:
        """Start it, to die at a failpoint where one is given, and return when it serves, or has died already."""
        assert not self.alive
        armed = {"PRESSLINE_FAILPOINT": point.value} if point else {}
        self._ending = await self.nursery.start({**self.settings, **armed}, self.log)
        async with asyncio.timeout(SERVE_SECONDS):
            while self.alive and not await self._serves():
                await asyncio.sleep(0.02)

    async def killed(self, seconds: float) -> bool:
        """Whether it kills itself within so many seconds."""
        assert self._ending is not None
        await asyncio.wait({self._ending}, timeout=seconds)
        if self.alive:
            return False
        assert self._ending.result() == -signal.SIGKILL, f"it ended with {self._ending.result()}: {self.log}"
        return True

    async def stop(self) -> None:
        """Ask it to end, which it must do cleanly."""
        if self._ending is None or self._ending.done():
            return
        self.nursery.signal(self._ending, signal.SIGTERM)
        await asyncio.wait({self._ending}, timeout=STOP_SECONDS)
        assert not self.alive, f"it does not end: {self.log}"
        assert self._ending.result() == 0, f"it ended with {self._ending.result()}: {self.log}"

    async def _serves(self) -> bool:
        try:
            await asyncio.wait_for(self.probe(), 5)
        except Exception:
            return False
        return True


class Services:
    """The processes of one system on given servers.

    Args:
        servers: NATS, MongoDB and object storage.
        database: the database's name.
        logs: a folder for what the processes say.
    """

    def __init__(self, servers: tuple[UrlServer, UrlServer, S3Server], database: str, logs: Path) -> None:
        nats, mongodb, s3 = servers
        self._logs = logs
        self._nurseries = {name: Nursery(name) for name in ("scheduler", "gateway", "renderer", "notifier")}
        self._made: list[Service] = []
        self.public, self.internal, self.rest = _address(), _address(), _address()
        self._shared = {
            "PRESSLINE_SERVICE_TOKEN": TOKEN,
            "PRESSLINE_SECRET_KEY": "ef" * 32,
            "PRESSLINE_NATS_URL": nats.url,
            "PRESSLINE_MONGODB_URL": mongodb.url,
            "PRESSLINE_MONGODB_DATABASE": database,
            "PRESSLINE_S3_URL": s3.url,
            "PRESSLINE_S3_ACCESS_KEY": s3.access_key,
            "PRESSLINE_S3_SECRET_KEY": s3.secret_key,
            "PRESSLINE_S3_BUCKET": s3.bucket,
            "PRESSLINE_SCHEDULER_LISTEN": self.public,
            "PRESSLINE_SCHEDULER_INTERNAL_LISTEN": self.internal,
            "PRESSLINE_SCHEDULER_ADDRESS": self.public,
            "PRESSLINE_SCHEDULER_INTERNAL_ADDRESS": self.internal,
            "PRESSLINE_GATEWAY_LISTEN": self.rest,
            "PRESSLINE_WEBHOOK_ALLOW": "127.0.0.0/8",
            "PRESSLINE_LEASE_SECONDS": str(LEASE_SECONDS),
            "PRESSLINE_SWEEP_SECONDS": str(SWEEP_SECONDS),
            # A machine that is slow is none of the faults here.
            "PRESSLINE_ITEM_TIMEOUT_SECONDS": "300",
            "PRESSLINE_RENDERER_BROWSERS": "1",
            # One thing at a time, so that each of several armed processes has something to die with.
            "PRESSLINE_RENDERER_PAGES": "1",
            "PRESSLINE_NOTIFIER_SENDS": "1",
        }
        self.scheduler = self._service("scheduler", partial(probes.grpc_health, self.public))
        self.gateway = self._service("gateway", partial(probes.http_ready, f"http://{self.rest}/readyz"))
        self.renderer = self.another_renderer()
        self.notifier = self.another_notifier()

    def another_renderer(self) -> Service:
        """A renderer beside those that there are."""
        return self._worker("renderer", "PRESSLINE_RENDERER_HEALTH_LISTEN")

    def another_notifier(self) -> Service:
        """A notifier beside those that there are."""
        return self._worker("notifier", "PRESSLINE_NOTIFIER_HEALTH_LISTEN")

    async def stop(self) -> None:
        """Stop all that run, the scheduler last: the others report to it."""
        for service in reversed(self._made):
            await service.stop()

    async def close(self) -> None:
        """Stop all that run, and what they come from."""
        await self.stop()
        for nursery_ in self._nurseries.values():
            await nursery_.close()

    def _worker(self, name: str, listen: str) -> Service:
        address = _address()
        return self._service(name, partial(probes.grpc_health, address), {listen: address})

    def _service(self, name: str, probe: Probe, settings: Mapping[str, str] | None = None) -> Service:
        log = self._logs / f"{name}-{len(self._made)}.log"
        self._made.append(Service(self._nurseries[name], {**self._shared, **(settings or {})}, probe, log))
        return self._made[-1]


def _address() -> str:
    return f"127.0.0.1:{free_port()}"

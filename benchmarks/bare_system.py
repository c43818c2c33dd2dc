"""A scheduler on servers of its own, without a gateway and without browsers."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pressline_local import servers
from services.common import rpc
from tests.support.scheduler import TOKEN, Client
from tests.support.servers import own_child
from tests.support.stack import free_ports

START_SECONDS, STOP_SECONDS = 120, 40


@dataclass(frozen=True)
class BareSystem:
    """One that runs.

    Attributes:
        client: calls it, as nobody yet.
        nats_url: where jobs are announced.
        names: its processes, by pid.
    """

    client: Client
    nats_url: str
    names: Mapping[int, str]


@asynccontextmanager
async def bare_system(folder: Path) -> AsyncIterator[BareSystem]:
    """Servers and a scheduler with all their data in a folder."""
    names: dict[int, str] = {}
    settings: dict[str, str] = {}
    async with AsyncExitStack() as running:
        for name, make in (("nats", servers.nats), ("mongodb", servers.mongodb), ("s3", servers.s3)):
            server, child = await running.enter_async_context(own_child(make, folder))
            settings |= server.settings
            names[child.pid or 0] = name
        public, internal = (f"127.0.0.1:{port}" for port in free_ports(2))
        settings |= {
            "PRESSLINE_SERVICE_TOKEN": TOKEN,
            "PRESSLINE_SECRET_KEY": "cd" * 32,
            "PRESSLINE_SCHEDULER_LISTEN": public,
            "PRESSLINE_SCHEDULER_INTERNAL_LISTEN": internal,
        }
        names[running.enter_context(_scheduler(settings, folder / "logs" / "scheduler.log"))] = "scheduler"
        client = Client(rpc.channel(public), rpc.channel(internal, TOKEN))
        running.push_async_callback(client.public.close)
        running.push_async_callback(client.internal.close)
        async with asyncio.timeout(START_SECONDS):
            await client.internal.channel_ready()
        yield BareSystem(client, settings["PRESSLINE_NATS_URL"], names)


@contextmanager
def _scheduler(settings: Mapping[str, str], log: Path) -> Iterator[int]:
    script = Path(sys.executable).parent / "pressline-scheduler"
    with log.open("wb") as output:
        running = subprocess.Popen([script], env={**os.environ, **settings}, stdout=output, stderr=output)
        try:
            yield running.pid
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(STOP_SECONDS)

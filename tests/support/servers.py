"""Real servers for tests: those of the environment, or our own in a temporary folder."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pressline_local.child import Child
from pressline_local.folder import DataFolder
from pressline_local.plan import KeptPorts
from pressline_local.ports import HeldPorts
from pressline_local.program import Program
from pressline_local.servers import PortOf, Server

START_SECONDS = 60
MakeServer = Callable[[DataFolder, PortOf, Mapping[str, str]], Server]


@dataclass(frozen=True)
class UrlServer:
    """A server that needs no more than its URL."""

    url: str


@dataclass(frozen=True)
class S3Server:
    """Object storage with credentials; the bucket exists."""

    url: str
    access_key: str
    secret_key: str
    bucket: str
    region: str = "us-east-1"


@contextmanager
def forgiving_cancelled_connects(url: str) -> Iterator[None]:
    """PyMongo leaves a socket open that it was cancelled over while it connected. Python closes it, and says so."""
    address, before = urlsplit(url), sys.unraisablehook
    peer = f"raddr={(address.hostname, address.port)}"

    def tell(found: sys.UnraisableHookArgs) -> None:
        if not (isinstance(found.exc_value, ResourceWarning) and peer in str(found.exc_value)):
            before(found)

    sys.unraisablehook = tell
    try:
        yield
    finally:
        sys.unraisablehook = before


@asynccontextmanager
async def serving(make: MakeServer, data: Path) -> AsyncIterator[Server]:
    """A server that serves: the environment's, or else our own."""
    with _made(make, data, os.environ) as server:
        if server.program is None:
            await asyncio.wait_for(server.ready(), START_SECONDS)
            yield server
        else:
            async with _running(server.program, data):
                yield server


@asynccontextmanager
async def own_child(make: MakeServer, data: Path) -> AsyncIterator[tuple[Server, Child]]:
    """A server of our own, whatever the environment names, with its process, which may be killed."""
    with _made(make, data, {}) as server:
        assert server.program is not None
        async with _running(server.program, data) as child:
            yield server, child


async def kill(child: Child) -> None:
    """SIGKILL the process and wait until its successor serves."""
    pid = child.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(START_SECONDS):
        while child.pid in {pid, None} or child.record().state != "running":
            await asyncio.sleep(0.02)


@contextmanager
def _made(make: MakeServer, data: Path, caller: Mapping[str, str]) -> Iterator[Server]:
    held = HeldPorts()
    folder = DataFolder(data)
    folder.make()
    try:
        yield make(folder, KeptPorts(folder, held), caller)
    finally:
        held.close()


@asynccontextmanager
async def _running(program: Program, data: Path) -> AsyncIterator[Child]:
    child = Child(program, DataFolder(data).log(program.name), lambda: None)
    child.start()
    try:
        await asyncio.wait_for(child.until_ready(), START_SECONDS)
        yield child
    finally:
        await child.stop()

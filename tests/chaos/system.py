"""The whole system with a proxy on every connection between its processes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import grpc

from pressline.account.v1 import account_pb2, account_pb2_grpc
from pressline_local import plan
from pressline_local.child import Child
from pressline_local.folder import DataFolder
from pressline_local.ports import HOST, HeldPorts
from pressline_local.processes import adopt_orphans, end_orphans
from pressline_local.program import Program
from pressline_local.services import Options
from services.common import lifecycle
from tests.chaos.framing import S3, Framing, MongoDb, Plain
from tests.chaos.plan import RENDERERS
from tests.chaos.proxy import Link

START_SECONDS = 180.0
CALL_SECONDS = 30.0
HOUSEKEEPING_SECONDS = 5.0
# What leads a service to another one, what that is called here, and what is spoken there.
_CALLED: dict[str, tuple[str, Framing]] = {
    "PRESSLINE_MONGODB_URL": ("mongodb", MongoDb()),
    "PRESSLINE_NATS_URL": ("nats", Plain()),
    "PRESSLINE_S3_URL": ("s3", S3()),
    "PRESSLINE_SCHEDULER_ADDRESS": ("scheduler", Plain()),
    "PRESSLINE_SCHEDULER_INTERNAL_ADDRESS": ("internal", Plain()),
}
_CALLS = {
    "scheduler": ("PRESSLINE_MONGODB_URL", "PRESSLINE_NATS_URL", "PRESSLINE_S3_URL"),
    "gateway": ("PRESSLINE_SCHEDULER_ADDRESS", "PRESSLINE_SCHEDULER_INTERNAL_ADDRESS"),
    "renderer": ("PRESSLINE_NATS_URL", "PRESSLINE_S3_URL", "PRESSLINE_SCHEDULER_INTERNAL_ADDRESS"),
    "notifier": ("PRESSLINE_NATS_URL", "PRESSLINE_SCHEDULER_INTERNAL_ADDRESS"),
}


@dataclass
class System:
    """A running system.

    Attributes:
        api: base URL of the REST API, which is reached directly: it is the gateway that is to fail.
        folder: its data folder.
        nats_url, mongodb_url: where the servers are, without a proxy.
        children: its processes by name.
        links: its connections by name.
    """

    api: str
    folder: DataFolder
    nats_url: str = ""
    mongodb_url: str = ""
    children: dict[str, Child] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)

    async def key(self, account: str) -> str:
        """A new API key."""
        metadata = (("x-pressline-service-token", self.folder.secrets().service_token),)
        request = account_pb2.CreateKeyRequest(account_id=account, plan=account_pb2.PLAN_ENTERPRISE)
        async with grpc.aio.insecure_channel(f"{HOST}:{self.folder.state()['ports']['scheduler.internal']}") as channel:
            stub = account_pb2_grpc.AdmissionServiceStub(channel)
            answer = await stub.CreateKey(request, metadata=metadata, timeout=CALL_SECONDS, wait_for_ready=True)
        return str(answer.api_key)

    def log(self, name: str) -> Path:
        """What a process has printed."""
        return self.folder.log(name)


@asynccontextmanager
async def running(data: Path, settings: dict[str, str]) -> AsyncIterator[System]:
    """The system in a data folder of its own, until the end of the block.

    This process becomes the parent of what killed processes leave behind, and ends it.

    Args:
        data: the folder.
        settings: `PRESSLINE_*` variables for the services.
    """
    adopt_orphans()
    folder, held = DataFolder(data), HeldPorts()
    folder.make()
    options = Options(held.choose(), held.choose(), len(RENDERERS))
    system = System(options.api, folder)
    caller = {name: value for name, value in os.environ.items() if not name.startswith("PRESSLINE_")} | settings
    made = plan.make(folder, options, held, caller)
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        stack.callback(held.close)
        for stage in made.stages:
            await _start(system, stage, stack)
        housekeeping = asyncio.create_task(lifecycle.every(HOUSEKEEPING_SECONDS, stop, lambda: _tidy(system)))
        try:
            yield system
        finally:
            stop.set()
            await housekeeping
    end_orphans(known=(), older_than=0)


async def _tidy(system: System) -> None:
    known = {child.pid for child in system.children.values() if child.pid}
    end_orphans(known, older_than=HOUSEKEEPING_SECONDS)


async def _start(system: System, stage: list[Program], stack: AsyncExitStack) -> None:
    children = []
    for program in stage:
        child = Child(await _proxied(system, program, stack), system.folder.log(program.name), lambda: None)
        system.children[program.name] = child
        child.start()
        children.append(child)
    # Those of a stage are stopped together.
    stack.push_async_callback(_stop, children)
    async with asyncio.timeout(START_SECONDS):
        await asyncio.gather(*(child.until_ready() for child in children))


async def _stop(children: list[Child]) -> None:
    await asyncio.gather(*(child.stop() for child in children))


async def _proxied(system: System, program: Program, stack: AsyncExitStack) -> Program:
    """The program, led to a proxy wherever it calls another; the programs of one service share their proxies."""
    service = program.name.partition("-")[0]
    environment = dict(program.environment)
    for variable in _CALLS.get(service, ()):
        scheme, separator, place = environment[variable].rpartition("://")
        called, framing = _CALLED[variable]
        name = f"{service}-{called}"
        if name not in system.links:
            link = system.links[name] = Link(name, _host_and_port(place), framing)
            await link.start()
            stack.push_async_callback(link.close)
        environment[variable] = f"{scheme}{separator}{system.links[name].address}{_rest(place)}"
    if service == "scheduler":
        # Whoever downloads is outside, and does not come through a proxy.
        environment["PRESSLINE_S3_PUBLIC_URL"] = program.environment["PRESSLINE_S3_URL"]
        system.nats_url = program.environment["PRESSLINE_NATS_URL"]
        system.mongodb_url = program.environment["PRESSLINE_MONGODB_URL"]
    return replace(program, environment=environment)


def _host_and_port(place: str) -> tuple[str, int]:
    host, _, port = place.partition("/")[0].rpartition(":")
    return host, int(port)


def _rest(place: str) -> str:
    _, slash, rest = place.partition("/")
    return slash + rest

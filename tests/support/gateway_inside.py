"""A gateway in this process, before a scheduler in this process, and its event streams."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from pydantic import SecretStr

from services.gateway.app import serve
from services.gateway.settings import GatewaySettings
from services.scheduler.settings import SchedulerSettings
from tests.support.ports import free_port
from tests.support.scheduler import TOKEN

CALL_SECONDS = 60


@dataclass
class Gateway:
    """A running gateway; setting `stop` is what SIGTERM does to the process."""

    url: str
    stop: asyncio.Event
    serving: asyncio.Task[None]
    verify: ssl.SSLContext | bool = True

    def client(self, key: str) -> httpx2.AsyncClient:
        headers = {"Authorization": f"Bearer {key}"}
        return httpx2.AsyncClient(
            base_url=self.url, headers=headers, timeout=CALL_SECONDS, trust_env=False, verify=self.verify
        )


@asynccontextmanager
async def running_gateway(
    scheduler: SchedulerSettings, *, verify: ssl.SSLContext | None = None, **changes: object
) -> AsyncIterator[Gateway]:
    """A gateway until the end of the block; with `verify`, clients call it over TLS."""
    values: dict[str, object] = {
        "gateway_listen": f"127.0.0.1:{free_port()}",
        "scheduler_address": scheduler.scheduler_listen,
        "scheduler_internal_address": scheduler.scheduler_internal_listen,
        "service_token": SecretStr(TOKEN),
    }
    settings = GatewaySettings(**{**values, **changes})  # type: ignore[arg-type]
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(settings, stop))
    scheme = "https" if verify else "http"
    gateway = Gateway(f"{scheme}://{settings.gateway_listen}", stop, serving, verify or True)
    try:
        await _until_alive(gateway)
        yield gateway
    finally:
        stop.set()
        await serving


@dataclass(frozen=True)
class Event:
    """One server-sent event."""

    id: int
    name: str
    data: dict[str, Any]


async def events_of(answer: httpx2.Response) -> AsyncIterator[Event | str]:
    """The events of a stream, and its comments as they are."""
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line.startswith(":"):
            yield line
        elif line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            yield Event(int(fields["id"]), fields["event"], json.loads(fields["data"]))
            fields = {}


async def _until_alive(gateway: Gateway) -> None:
    async with asyncio.timeout(CALL_SECONDS), gateway.client("none") as client:
        while True:
            try:
                await client.get("/healthz")
                return
            except httpx2.TransportError:
                await asyncio.sleep(0.02)

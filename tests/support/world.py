"""Two accounts of one system in this process, from the REST API to the renderer."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from PIL import Image
from pydantic import SecretStr

from services.renderer.app import serve
from services.renderer.settings import RendererSettings
from services.scheduler.settings import SchedulerSettings
from tests.support.gateway_inside import running_gateway
from tests.support.in_process import running
from tests.support.ports import free_port
from tests.support.renderer import chromium
from tests.support.scheduler import TOKEN, running_scheduler, scheduler_settings
from tests.support.servers import S3Server, UrlServer


@dataclass
class World:
    """The accounts "acme" and "other", and their renderers."""

    acme: httpx2.AsyncClient
    other: httpx2.AsyncClient
    scheduler: SchedulerSettings

    @asynccontextmanager
    async def renderer(self, **changes: Any) -> AsyncIterator[None]:
        """A renderer with one browser until the end of the block."""
        shared = {name: getattr(self.scheduler, name) for name in ("nats_url", "s3_url", "s3_access_key", "s3_bucket")}
        settings = RendererSettings(
            **shared,
            s3_secret_key=self.scheduler.s3_secret_key,
            scheduler_internal_address=self.scheduler.scheduler_internal_listen,
            service_token=SecretStr(TOKEN),
            renderer_health_listen=f"127.0.0.1:{free_port()}",
            renderer_browsers=1,
            chromium=chromium(),
            **changes,
        )
        async with running(serve, settings):
            yield


@asynccontextmanager
async def running_world(nats: UrlServer, mongodb: UrlServer, s3: S3Server) -> AsyncIterator[World]:
    """A scheduler, a gateway and two accounts until the end of the block."""
    settings = scheduler_settings(nats, mongodb, s3)
    async with running_scheduler(settings) as anonymous, running_gateway(settings) as gateway:
        acme, other = await anonymous.as_account("acme"), await anonymous.as_account("other")
        async with gateway.client(acme.key) as first, gateway.client(other.key) as second:
            yield World(first, second, settings)


async def items(rest: httpx2.AsyncClient, batch_id: str) -> list[dict[str, Any]]:
    """The items of a batch once it has ended."""
    async with asyncio.timeout(120):
        while (await rest.get(f"/v1/batches/{batch_id}")).json()["finished_at"] is None:
            await asyncio.sleep(0.1)
    found: list[dict[str, Any]] = (await rest.get(f"/v1/batches/{batch_id}/items")).json()["data"]
    return found


async def picture(item: dict[str, Any]) -> Image.Image:
    """What a succeeded item looks like."""
    assert item["status"] == "succeeded", item
    async with httpx2.AsyncClient(trust_env=False, timeout=60) as anybody:
        return Image.open(io.BytesIO((await anybody.get(item["url"])).content)).convert("RGB")

"""From an upload to pixels, through every service."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from PIL import Image
from pydantic import SecretStr

from services.common.blobs import BlobStore
from services.renderer.app import serve
from services.renderer.settings import RendererSettings
from services.scheduler.settings import SchedulerSettings
from tests.support import fonts
from tests.support.assets import BLUE, GREEN, RED, png
from tests.support.gateway_inside import running_gateway
from tests.support.ports import free_port
from tests.support.renderer import chromium
from tests.support.scheduler import TOKEN, running_scheduler, scheduler_settings
from tests.support.servers import S3Server, UrlServer

BLACK, WHITE = (0, 0, 0), (255, 255, 255)
HOST = "https://assets.pressline.invalid"
STYLE = "body{margin:0;font:40px/40px Brand}img,span{position:absolute;top:0;left:40px}"
HTML = f"""<!doctype html><style>{STYLE}</style><span style="left:0">A</span>
<img src="{HOST}/{{{{logo}}}}" width=40 height=40>"""
OUTPUT = {"format": "png", "width": 120, "height": 40}


@dataclass
class World:
    """Two accounts of one system, and its renderers."""

    acme: httpx2.AsyncClient
    other: httpx2.AsyncClient
    scheduler: SchedulerSettings

    @asynccontextmanager
    async def renderer(self) -> AsyncIterator[None]:
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
        )
        stop = asyncio.Event()
        serving = asyncio.create_task(serve(settings, stop))
        try:
            yield
        finally:
            stop.set()
            await serving


@pytest.fixture
async def world(nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server) -> AsyncIterator[World]:
    settings = scheduler_settings(nats_server, mongodb_server, s3_server)
    async with running_scheduler(settings) as anonymous, running_gateway(settings) as gateway:
        acme, other = await anonymous.as_account("acme"), await anonymous.as_account("other")
        async with gateway.client(acme.key) as first, gateway.client(other.key) as second:
            yield World(first, second, settings)


async def add(rest: httpx2.AsyncClient, name: str, data: bytes, **parameters: Any) -> str:
    answer = await rest.post("/v1/assets", params={"name": name, **parameters}, content=data)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def submit(rest: httpx2.AsyncClient, *logos: str) -> str:
    items = [{"data": {"logo": logo}} for logo in logos]
    answer = await rest.post("/v1/batches", json={"defaults": {"html": HTML, "output": OUTPUT}, "items": items})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def items(rest: httpx2.AsyncClient, batch_id: str) -> list[dict[str, Any]]:
    """The items of a batch once it has ended."""
    async with asyncio.timeout(120):
        while (await rest.get(f"/v1/batches/{batch_id}")).json()["finished_at"] is None:
            await asyncio.sleep(0.1)
    found: list[dict[str, Any]] = (await rest.get(f"/v1/batches/{batch_id}/items")).json()["data"]
    return found


async def colours(item: dict[str, Any]) -> tuple[Any, Any]:
    """What its text and its logo look like."""
    assert item["status"] == "succeeded", item
    async with httpx2.AsyncClient(trust_env=False, timeout=60) as anybody:
        picture = Image.open(io.BytesIO((await anybody.get(item["url"])).content)).convert("RGB")
    return picture.getpixel((20, 10)), picture.getpixel((60, 20))


async def test_each_account_renders_with_its_own_fonts_and_images(world: World) -> None:
    await add(world.acme, "logo.png", png(RED))
    await add(world.acme, "brand.woff2", fonts.woff2("Brand"))
    await add(world.other, "logo.png", png(GREEN))
    await add(world.other, "brand.ttf", fonts.truetype("Brand", tall=False))
    async with world.renderer():
        for _ in range(2):
            batches = await asyncio.gather(submit(world.acme, "logo.png", "gone.png"), submit(world.other, "logo.png"))
            mine, theirs = await items(world.acme, batches[0]), await items(world.other, batches[1])
            assert await colours(mine[0]) == (BLACK, RED)
            assert await colours(mine[1]) == (BLACK, WHITE)
            assert await colours(theirs[0]) == (WHITE, GREEN)
            assert [each["warnings"] for each in mine] == [
                [],
                ["SUBRESOURCE_FAILED: The account had no asset 'gone.png' when the batch was submitted."],
            ]


async def test_a_batch_renders_with_what_there_was_when_it_was_submitted(world: World) -> None:
    logo = await add(world.acme, "logo.png", png(RED))
    before = await submit(world.acme, "logo.png")
    await add(world.acme, "logo.png", png(BLUE), replace=True)
    await add(world.acme, "brand.woff2", fonts.woff2("Brand"))
    between = await submit(world.acme, "logo.png")
    assert (await world.acme.delete(f"/v1/assets/{logo}")).status_code == 204
    after = await submit(world.acme, "logo.png")
    async with world.renderer():
        (first,), (second,), (third,) = [await items(world.acme, each) for each in (before, between, after)]
    assert (await colours(first))[1] == RED
    assert await colours(second) == (BLACK, BLUE)
    assert await colours(third) == (BLACK, WHITE)
    assert (first["warnings"], second["warnings"], len(third["warnings"])) == ([], [], 1)


async def test_a_content_that_cannot_be_read_is_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await add(world.acme, "logo.png", png(RED))
    batch_id = await submit(world.acme, "logo.png")
    refused = asyncio.Event()
    read = BlobStore.get

    async def once(self: BlobStore, key: str, *place: int) -> bytes:
        if not refused.is_set():
            refused.set()
            raise OSError("away")
        return await read(self, key, *place)

    monkeypatch.setattr("services.common.blobs.BlobStore.get", once)
    async with world.renderer():
        (item,) = await items(world.acme, batch_id)
    assert (await colours(item))[1] == RED
    assert (refused.is_set(), item["attempts"]) == (True, 2)


async def test_a_batch_can_require_what_it_loads(world: World) -> None:
    await add(world.acme, "logo.png", png(RED))
    rows: list[dict[str, Any]] = [{"data": {"logo": name}} for name in ("logo.png", "gone.png")]
    rows.append({"html": '<img src="http://169.254.169.254/latest/meta-data">'})
    body = {"defaults": {"html": HTML, "output": OUTPUT}, "items": rows, "missing_assets": "error"}
    submitted = (await world.acme.post("/v1/batches", json=body)).json()
    async with world.renderer():
        first, second, third = await items(world.acme, submitted["id"])
        retried = (await world.acme.post(f"/v1/batches/{submitted['id']}:retry")).json()
        again = await items(world.acme, retried["id"])
    assert submitted["missing_assets"] == retried["missing_assets"] == "error"
    assert (await colours(first))[1] == RED
    assert [each["error"]["code"] for each in (second, third, *again)] == ["ASSET_FAILED"] * 4
    assert "no asset 'gone.png'" in second["error"]["message"]
    assert "http://169.254.169.254/latest/meta-data was not loaded" in third["error"]["message"]

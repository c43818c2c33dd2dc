"""From an upload to pixels, through every service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from services.common.blobs import BlobStore
from tests.support import fonts
from tests.support.assets import BLUE, GREEN, RED, png
from tests.support.servers import S3Server, UrlServer
from tests.support.world import World, items, picture, running_world

BLACK, WHITE = (0, 0, 0), (255, 255, 255)
HOST = "https://assets.pressline.invalid"
STYLE = "body{margin:0;font:40px/40px Brand}img,span{position:absolute;top:0;left:40px}"
HTML = f"""<!doctype html><style>{STYLE}</style><span style="left:0">A</span>
<img src="{HOST}/{{{{logo}}}}" width=40 height=40>"""
OUTPUT = {"format": "png", "width": 120, "height": 40}


@pytest.fixture
async def world(nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server) -> AsyncIterator[World]:
    async with running_world(nats_server, mongodb_server, s3_server) as running:
        yield running


async def add(rest: httpx2.AsyncClient, name: str, data: bytes, **parameters: Any) -> str:
    answer = await rest.post("/v1/assets", params={"name": name, **parameters}, content=data)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def submit(rest: httpx2.AsyncClient, *logos: str) -> str:
    items = [{"data": {"logo": logo}} for logo in logos]
    answer = await rest.post("/v1/batches", json={"defaults": {"html": HTML, "output": OUTPUT}, "items": items})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def colours(item: dict[str, Any]) -> tuple[Any, Any]:
    """What its text and its logo look like."""
    shown = await picture(item)
    return shown.getpixel((20, 10)), shown.getpixel((60, 20))


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

"""An account's egress policy, from the request that sets it to the picture."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx2
import pytest
from aiohttp import web

from tests.support.assets import GREEN, RED, png
from tests.support.servers import S3Server, UrlServer
from tests.support.sites import Site, running_site
from tests.support.world import World, items, picture, running_world

WHITE = (255, 255, 255)
STYLE = "body{margin:0}img{position:absolute;top:0;width:40px;height:40px}"


@pytest.fixture
async def world(nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server) -> AsyncIterator[World]:
    async with running_world(nats_server, mongodb_server, s3_server) as running:
        yield running


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with running_site({"/red.png": ("image/png", png(RED)), "/green.png": ("image/png", png(GREEN))}) as running:
        target = {"Location": f"http://localhost:{running.port}/green.png"}
        running.pages["/moved"] = web.Response(status=302, headers=target)
        yield running


def open_hosts(site: Site) -> str:
    """What the installation lets documents load of this machine."""
    return f"127.0.0.1:{site.port},localhost:{site.port}"


async def set_egress(rest: httpx2.AsyncClient, mode: str, hosts: Sequence[str] = ()) -> None:
    answer = await rest.put("/v1/account/egress", json={"mode": mode, "hosts": list(hosts)})
    assert (answer.status_code, answer.json()) == (200, {"mode": mode, "hosts": list(hosts)})
    assert (await rest.get("/v1/account")).json()["egress"] == answer.json()


async def submit(rest: httpx2.AsyncClient, site: Site, **fields: Any) -> str:
    """A picture beside one that is elsewhere by the time it is asked for."""
    images = f'<img src="http://127.0.0.1:{site.port}/red.png">'
    images += f'<img style="left:40px" src="http://127.0.0.1:{site.port}/moved">'
    output = {"format": "png", "width": 80, "height": 40}
    body = {"defaults": {"output": output}, "items": [{"html": f"<style>{STYLE}</style>{images}"}], **fields}
    answer = await rest.post("/v1/batches", json=body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def shown(rest: httpx2.AsyncClient, batch_id: str) -> tuple[list[Any], list[str]]:
    """The colours of both pictures, and the warnings."""
    (item,) = await items(rest, batch_id)
    drawn = await picture(item)
    return [drawn.getpixel((x, 20)) for x in (20, 60)], item["warnings"]


def told(site: Site, path: str, why: str) -> str:
    return f"SUBRESOURCE_FAILED: The image http://{path.replace('/', f':{site.port}/', 1)} was not loaded: {why}."


async def test_each_batch_is_rendered_by_the_policy_that_its_account_had_when_it_was_submitted(
    world: World, site: Site
) -> None:
    public = await submit(world.acme, site)
    await set_egress(world.acme, "allowlist", ["127.0.0.1", "*.example.com"])
    listed = await submit(world.acme, site)
    await set_egress(world.acme, "none")
    none, others = await submit(world.acme, site), await submit(world.other, site)
    await set_egress(world.acme, "public")
    async with world.renderer(template_allow=open_hosts(site)):
        for rest, batch_id in ((world.acme, public), (world.other, others)):
            assert await shown(rest, batch_id) == ([RED, GREEN], [])
        unlisted = told(site, "localhost/green.png", "its host is not on the account's list")
        assert await shown(world.acme, listed) == ([RED, WHITE], [unlisted])
        closed = "the account's documents load nothing from elsewhere"
        warnings = [told(site, f"127.0.0.1/{path}", closed) for path in ("moved", "red.png")]
        assert await shown(world.acme, none) == ([WHITE, WHITE], warnings)


async def test_a_batch_that_requires_what_it_loads_fails_and_is_tried_again_under_a_wider_policy(
    world: World, site: Site
) -> None:
    await set_egress(world.acme, "allowlist", ["127.0.0.1"])
    first = await submit(world.acme, site, missing_assets="error")
    async with world.renderer(template_allow=open_hosts(site)):
        (failed,) = await items(world.acme, first)
        sentence = told(site, "localhost/green.png", "its host is not on the account's list")
        assert failed["status"] == "failed"
        assert failed["error"]["code"] == "ASSET_FAILED"
        assert failed["error"]["message"] == sentence.removeprefix("SUBRESOURCE_FAILED: ")
        await set_egress(world.acme, "allowlist", ["127.0.0.1", "localhost"])
        retried = (await world.acme.post(f"/v1/batches/{first}:retry")).json()["id"]
        assert await shown(world.acme, retried) == ([RED, GREEN], [])


async def test_an_installation_that_opens_nothing_says_so(world: World, site: Site) -> None:
    async with world.renderer(template_egress="none", template_allow=open_hosts(site)):
        colours, warnings = await shown(world.acme, await submit(world.acme, site))
    assert colours == [WHITE, WHITE]
    assert warnings[0] == told(site, "127.0.0.1/moved", "documents load nothing from elsewhere here")
    assert site.asked == []

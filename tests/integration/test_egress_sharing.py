"""What the items of a batch share of what they load, and what each may take."""

from __future__ import annotations

import asyncio

from tests.support.assets import RED, png
from tests.support.notifier_receivers import answering_raw
from tests.support.sites import load, running_site, way_out

LOGO = ("image/png", png(RED))


async def test_a_batch_loads_each_resource_once_and_batches_share_none() -> None:
    pages = {f"/{index}.png": LOGO for index in range(4)}
    async with running_site(pages) as site, way_out(site.port) as egress:
        urls = [site.url + path for path in pages]
        await asyncio.gather(*(load(egress.of("first"), url) for url in urls * 10))
        assert sorted(site.asked) == sorted(pages)
        assert await load(egress.of("first"), urls[0]) is not None
        assert len(site.asked) == 4
        await load(egress.of("second"), urls[0])
        assert len(site.asked) == 5


async def test_what_is_kept_is_bounded_and_a_failure_is_kept_for_a_while() -> None:
    pages = {f"/{index}.png": ("image/png", bytes(40_000)) for index in range(4)}
    async with running_site(pages) as site:
        async with way_out(site.port, remote_cache_bytes=100_000) as egress:
            for path in [*pages, "/3.png", "/0.png"]:
                await load(egress.of("batch"), site.url + path)
            assert site.asked == [*pages, "/0.png"]
        site.receiver.received.clear()
        async with way_out(site.port) as egress:
            for _ in range(3):
                await load(egress.of("batch"), f"{site.url}/missing.png")
            assert len(site.asked) == 1
            egress._cache._failure_seconds = 0
            for _ in range(3):
                await load(egress.of("other"), f"{site.url}/missing.png")
            assert len(site.asked) == 4


async def test_an_item_has_limits_of_its_own() -> None:
    pages = {f"/{index}.png": ("image/png", bytes(40_000)) for index in range(4)}
    async with running_site(pages) as site:
        async with way_out(site.port, remote_item_requests=2) as egress:
            item = egress.of("batch")
            found = [await load(item, site.url + path) is not None for path in pages]
            assert found == [True, True, False, False]
            assert all("an item may load 2 resources" in warning for warning in item.warnings)
            assert await load(item, site.url + "/0.png") is not None
            assert await load(egress.of("batch"), site.url + "/3.png") is not None
        async with way_out(site.port, remote_item_bytes=100_000) as egress:
            item = egress.of("batch")
            assert [await load(item, site.url + path) is not None for path in pages] == [True, True, False, False]
            assert "100,000 bytes together" in item.warnings[0]

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with answering_raw(silent) as port, way_out(port, remote_item_seconds=0.5, remote_seconds=60) as egress:
        item = egress.of("batch")
        # However many there are, the item waits for all of them together no longer than for one.
        for index in range(40):
            assert await load(item, f"http://site.example:{port}/{index}") is None
        assert len(item.warnings) == 20
        assert all("0.5 seconds together" in warning for warning in item.warnings)


async def test_an_item_that_has_waited_enough_is_given_what_is_there() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with (
        running_site({"/logo.png": LOGO}) as site,
        answering_raw(silent) as port,
        way_out(site.port, port, remote_item_seconds=0.5, remote_seconds=60) as egress,
    ):
        item = egress.of("batch")
        assert await load(egress.of("batch"), f"{site.url}/logo.png") is not None
        assert await load(item, f"http://site.example:{port}/x") is None
        assert await load(item, f"http://site.example:{port}/y") is None
        assert await load(item, f"{site.url}/logo.png") is not None
        assert len(item.warnings) == 2

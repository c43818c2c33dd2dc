"""The page that shows the description of the API: whole, in a real browser, and without the rest of the world."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from playwright.async_api import Page, async_playwright

from services.gateway.documentation import PATHS
from tests.support.description import gateway, operations
from tests.support.renderer import chromium
from tests.support.stack import Stack

LOAD_MS = 60_000


@pytest.fixture(scope="module")
async def page(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Page]:
    # The page is ours, so that the browser's own sandbox, which root cannot have, is not missed.
    async with (
        async_playwright() as driver,
        await driver.chromium.launch(
            executable_path=chromium(), downloads_path=tmp_path_factory.mktemp("downloads")
        ) as browser,
    ):
        yield await browser.new_page()


async def test_it_shows_every_operation_and_asks_no_one_else(page: Page, stack: Stack, tmp_path: Path) -> None:
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    answer = await page.goto(f"{stack.api}/docs", timeout=LOAD_MS)
    assert answer is not None
    assert answer.ok
    document = gateway().openapi()
    expected = [*operations(document), *document["webhooks"]]
    shown = page.locator(".opblock")
    await shown.nth(len(expected) - 1).wait_for(timeout=LOAD_MS)
    assert await shown.count() == len(expected)
    first = shown.first
    await first.click(timeout=LOAD_MS)
    await first.locator(".responses-table").first.wait_for(timeout=LOAD_MS)
    await page.screenshot(path=tmp_path / "page.png")
    assert said == []
    elsewhere = [url for url in asked if not url.startswith((f"{stack.api}/", "data:"))]
    assert elsewhere == []
    assert {urlsplit(url).path for url in asked if not url.startswith("data:")} == PATHS


@pytest.mark.parametrize("path", sorted(PATHS))
def test_its_parts_need_no_key(stack: Stack, path: str) -> None:
    answer = httpx2.get(f"{stack.api}{path}", trust_env=False, timeout=60)
    assert answer.status_code == 200
    assert answer.content
    if path != "/openapi.json":
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_what_is_served_is_what_the_routes_say(stack: Stack) -> None:
    served = httpx2.get(f"{stack.api}/openapi.json", trust_env=False, timeout=60).json()
    assert served == gateway().openapi()

"""When a page is at rest: what it said of itself holds only if nothing came or went while it was said."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.renderer.engine.loads import Loads
from services.renderer.engine.requests import Event

PREFIX = "https://site.example/"


class Page:
    """A page that is told what happens to its loads."""

    def __init__(self) -> None:
        self._listeners: dict[str, Callable[[Event], None]] = {}
        self.loads = Loads(self._send, self._listeners.__setitem__)

    async def _send(self, _method: str, **_parameters: object) -> Event:
        return {}

    def begins(self, request: str, kind: str = "Stylesheet", url: str = f"{PREFIX}site.css") -> None:
        event = {"requestId": request, "type": kind, "request": {"url": url}}
        self._listeners["Network.requestWillBeSent"](event)

    def ends(self, request: str, how: str = "Finished") -> None:
        self._listeners[f"Network.loading{how}"]({"requestId": request})


@pytest.fixture
async def page() -> Page:
    page = Page()
    await page.loads.follow(PREFIX)
    return page


async def test_a_page_that_loads_nothing_is_at_rest(page: Page) -> None:
    assert page.loads.at_rest_since(page.loads.moves)


async def test_a_page_is_not_at_rest_while_something_is_open(page: Page) -> None:
    page.begins("1")
    assert not page.loads.at_rest_since(page.loads.moves)


@pytest.mark.parametrize("how", ["Finished", "Failed"])
async def test_what_ended_meanwhile_may_have_changed_the_page(page: Page, how: str) -> None:
    page.begins("1")
    before = page.loads.moves
    page.ends("1", how)
    assert not page.loads.at_rest_since(before)
    assert page.loads.at_rest_since(page.loads.moves)


async def test_what_came_and_went_meanwhile_may_have_changed_the_page(page: Page) -> None:
    before = page.loads.moves
    page.begins("1")
    page.ends("1")
    assert not page.loads.at_rest_since(before)


async def test_what_scripts_fetch_and_what_is_elsewhere_does_not_count(page: Page) -> None:
    before = page.loads.moves
    page.begins("1", kind="Fetch")
    page.begins("2", url="data:text/css,")
    page.ends("1")
    assert page.loads.at_rest_since(before)

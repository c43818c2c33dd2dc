"""Putting a document into a tab, and waiting until it can be captured."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import cache
from typing import Any

from services.renderer.engine import environment
from services.renderer.engine.clearing import ORIGIN
from services.renderer.engine.model import Document, Environment, ErrorCode, RenderError
from services.renderer.engine.requests import Answer, Event
from services.renderer.engine.tab import ProtocolError, Tab
from services.renderer.engine.world import WEB

_FIRST_PAUSE_SECONDS = 0.002
_LONGEST_PAUSE_SECONDS = 0.05
_LONGEST_REASON = 1_000
_STATE = "globalThis.presslinePage?.state()"
_LOADING = {"open": 0, "failed": None, "loaded": False}


async def show(
    tab: Tab, document: Document, where: Environment, asked: dict[str, Any] | None = None
) -> dict[str, Any] | None:
    """Load a document and wait until its fonts and images are there, and its own promises settled.

    Args:
        tab: where it is shown.
        document: as it was filled.
        where: the time zone, locale and time that its scripts go by.
        asked: what lint is to look for; None where it is not to.

    Returns:
        What lint found, where it could be asked on the way.

    Raises:
        RenderError: TEMPLATE_ERROR or COMPILE_ERROR when the document says that it failed.
    """
    changed = await _change(tab, document, asked)
    if document.scripted:
        await _load(tab, document, where)
    elif changed is None:
        await tab.send("Page.setDocumentContent", frameId=tab.frame, html=document.html)
    if changed is None or not changed["settled"]:
        await wait_until_settled(tab, document)
    tab.shown = document.form
    return changed["found"] if changed else None


async def _change(tab: Tab, document: Document, asked: dict[str, Any] | None) -> dict[str, Any] | None:
    """Make a document of what the tab shows, where they differ in nothing but values; None when they do not."""
    form, shown, tab.shown = document.form, tab.shown, None
    if form is None or shown is None or form.shape != shown.shape:
        return None
    pairs = enumerate(zip(shown.values, form.values, strict=True))
    changes = [(index, before, after) for index, (before, after) in pairs if before != after]
    changed: dict[str, Any] | None = await tab.ask("change", len(form.values), changes, document.may_draw_files, asked)
    return changed


async def add_style(tab: Tab, css: str) -> None:
    """Append a style sheet to what the tab shows."""
    tab.shown = None
    await tab.ask("add_style", css)


async def _load(tab: Tab, document: Document, where: Environment) -> None:
    await environment.enter(tab, where)
    await tab.run_first(f"{environment.script(where, document)}\n{_page_script()}")
    await tab.requests.add(_Navigations(document.html))
    await tab.send("Page.navigate", url=f"{ORIGIN}/")
    await _wait_until_ready(tab)
    with suppress(ProtocolError):
        # Before, observers have not told of sizes. A page that goes elsewhere is looked at as it is.
        await tab.ask("drawn", waits=True)


class _Navigations:
    """Gives the document to the first request; every later navigation is told that there is nothing to show."""

    pattern = {"urlPattern": "*", "resourceType": "Document"}  # noqa: RUF012 - never changed

    def __init__(self, html: str) -> None:
        self._html: str | None = html

    def takes(self, event: Event) -> bool:
        return bool(event["resourceType"] == "Document")

    async def answer(self, _event: Event) -> Answer:
        html, self._html = self._html, None
        headers = {"Content-Type": "text/html; charset=utf-8"}
        return Answer(204, headers) if html is None else Answer(200, headers, html.encode())


async def _wait_until_ready(tab: Tab) -> None:
    pause = _FIRST_PAUSE_SECONDS
    while True:
        # None in a document that took the place of the first one, as long as it is not there.
        state = await tab.evaluate(_STATE) or _LOADING
        if state["failed"] is not None:
            raise _told(state["failed"])
        if state["loaded"] and not state["open"]:
            return
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


@cache
def _page_script() -> str:
    return (WEB / "page.js").read_text().rstrip()


def _told(failed: Any) -> RenderError:
    # The page's own scripts may have written anything there.
    failed = failed if isinstance(failed, dict) else {"message": failed}
    code = ErrorCode.COMPILE_ERROR if failed.get("code") == ErrorCode.COMPILE_ERROR else ErrorCode.TEMPLATE_ERROR
    return RenderError(code, str(failed.get("message", ""))[:_LONGEST_REASON])


async def wait_until_settled(tab: Tab, document: Document) -> None:
    """Wait until all fonts and images that a document has asked for are there."""
    pause = _FIRST_PAUSE_SECONDS
    while not await _is_settled(tab, document):
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


async def _is_settled(tab: Tab, document: Document) -> bool:
    try:
        moves = tab.loads.moves
        settled = await tab.ask("settled", document.scripted, document.may_draw_files)
        return bool(settled) and tab.loads.at_rest_since(moves)
    except ProtocolError:
        # The page went somewhere between the two commands; look again.
        return False

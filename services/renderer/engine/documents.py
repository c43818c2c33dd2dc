"""Putting a document into a tab, and waiting until it can be captured."""

from __future__ import annotations

import asyncio
import json
from functools import cache
from pathlib import Path
from typing import Any

from services.renderer.engine import environment
from services.renderer.engine.model import Document, Environment, ErrorCode, Form, RenderError
from services.renderer.engine.requests import Answer, Event
from services.renderer.engine.tab import ProtocolError, Tab

# Never resolved: the page gets an origin of its own, and its one answer from us.
ADDRESS = "https://document.invalid/"
_FIRST_PAUSE_SECONDS = 0.002
_LONGEST_PAUSE_SECONDS = 0.05
_LONGEST_REASON = 1_000
_STATE = "globalThis.presslinePage?.state()"
_LOADING = {"open": 0, "failed": None, "loaded": False}
_WEB = Path(__file__).parent.parent / "web"


async def show(tab: Tab, document: Document, where: Environment) -> None:
    """Load a document and wait until its fonts and images are there, and its own promises settled.

    Raises:
        RenderError: TEMPLATE_ERROR or COMPILE_ERROR when the document says that it failed.
    """
    if document.scripted:
        await environment.enter(tab, where, document)
        await _serve(tab, document.html)
        await _wait_until_ready(tab)
    elif not await _changed(tab, document.form):
        await tab.send("Page.setDocumentContent", frameId=tab.frame, html=document.html)
    await wait_until_settled(tab, scripted=document.scripted)
    tab.shown = document.form


async def _changed(tab: Tab, form: Form | None) -> bool:
    """Make a document of what the tab shows, where they differ in nothing but values."""
    shown, tab.shown = tab.shown, None
    if form is None or shown is None or form.shape != shown.shape:
        return False
    pairs = enumerate(zip(shown.values, form.values, strict=True))
    changes = [(index, before, after) for index, (before, after) in pairs if before != after]
    asked = f"{len(form.values)}, {json.dumps(changes)}"
    expression = f"(() => {{ {_script('slots')}\nreturn ({_script('change')})({asked}) }})()"
    return bool(await tab.evaluate(expression, context=await tab.isolated_world()))


async def add_style(tab: Tab, css: str) -> None:
    """Append a style sheet to what the tab shows."""
    expression = f"""(() => {{
      const style = document.createElement("style");
      style.textContent = {json.dumps(css)};
      (document.head ?? document.documentElement).append(style);
    }})()"""
    tab.shown = None
    await tab.evaluate(expression, context=await tab.isolated_world())


async def _serve(tab: Tab, html: str) -> None:
    await tab.requests.add(_Navigations(html))
    await tab.send("Page.addScriptToEvaluateOnNewDocument", source=_script("page"))
    await tab.send("Page.navigate", url=ADDRESS)


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


def _told(failed: Any) -> RenderError:
    # The page's own scripts may have written anything there.
    failed = failed if isinstance(failed, dict) else {"message": failed}
    code = ErrorCode.COMPILE_ERROR if failed.get("code") == ErrorCode.COMPILE_ERROR else ErrorCode.TEMPLATE_ERROR
    return RenderError(code, str(failed.get("message", ""))[:_LONGEST_REASON])


@cache
def _script(name: str) -> str:
    return (_WEB / f"{name}.js").read_text().rstrip()


async def wait_until_settled(tab: Tab, *, scripted: bool) -> None:
    """Wait until all fonts and images that a document has asked for are there."""
    pause = _FIRST_PAUSE_SECONDS
    settled = f"({_script('settled')})({json.dumps(scripted)})"
    while not await _is_settled(tab, settled):
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


async def _is_settled(tab: Tab, question: str) -> bool:
    try:
        context, moves = await tab.isolated_world(), tab.loads.moves
        settled = await tab.evaluate(question, context=context)
        return bool(settled) and tab.loads.at_rest_since(moves)
    except ProtocolError:
        # The page went somewhere between the two commands; look again.
        return False

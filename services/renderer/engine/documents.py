"""Putting a document into a tab, and waiting until it can be captured."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from services.renderer.engine import environment
from services.renderer.engine.model import Document, Environment, ErrorCode, RenderError
from services.renderer.engine.requests import Answer, Event
from services.renderer.engine.tab import ProtocolError, Tab

# Never resolved: the page gets an origin of its own, and its one answer from us.
ADDRESS = "https://document.invalid/"
_FIRST_PAUSE_SECONDS = 0.002
_LONGEST_PAUSE_SECONDS = 0.05

# Layout makes fonts start loading. Timers and promises do not run in a page without scripts, so this is polled.
_SETTLED = """(() => {
  if (!document.documentElement) return document.readyState === "complete";
  for (const image of document.images) image.loading = "eager";
  document.documentElement.getBoundingClientRect();
  return document.readyState === "complete" && document.fonts.status === "loaded"
    && [...document.images].every((image) => image.complete);
})()"""

# `window.pressline.ready(promise)` holds the capture back until the promise is settled.
_READY = """(() => {
  const state = { open: 0, failed: null };
  const ready = (promise) => {
    state.open += 1;
    Promise.resolve(promise).catch((error) => {
      const message = `The promise given to window.pressline.ready was rejected: ${error}`;
      state.failed ??= { code: "TEMPLATE_ERROR", message };
    }).finally(() => { state.open -= 1; });
  };
  Object.defineProperty(window, "pressline", { value: Object.freeze({ ready }) });
  Object.defineProperty(window, Symbol.for("pressline.state"), { value: state });
})()"""
# One expression: a script may call ready between two.
_READY_STATE = """({ open: 0, failed: null, ...window[Symbol.for("pressline.state")],
  loaded: document.readyState === "complete" })"""


async def show(tab: Tab, document: Document, where: Environment) -> None:
    """Load a document and wait until its fonts and images are there, and its own promises settled.

    Raises:
        RenderError: TEMPLATE_ERROR or COMPILE_ERROR when the document says that it failed.
    """
    if document.scripted:
        await environment.enter(tab, where, document)
        await _serve(tab, document.html)
        await _wait_until_ready(tab)
    else:
        await tab.send("Page.setDocumentContent", frameId=tab.frame, html=document.html)
    await _wait_until_settled(tab)


async def add_style(tab: Tab, css: str) -> None:
    """Append a style sheet to what the tab shows."""
    expression = f"""(() => {{
      const style = document.createElement("style");
      style.textContent = {json.dumps(css)};
      (document.head ?? document.documentElement).append(style);
    }})()"""
    await tab.evaluate(expression, context=await tab.isolated_world())


async def _serve(tab: Tab, html: str) -> None:
    await tab.requests.add(_Navigations(html))
    await tab.send("Page.addScriptToEvaluateOnNewDocument", source=_READY)
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
        state = await tab.evaluate(_READY_STATE)
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
    return RenderError(code, str(failed.get("message", "")))


async def _wait_until_settled(tab: Tab) -> None:
    pause = _FIRST_PAUSE_SECONDS
    while not await _is_settled(tab):
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


async def _is_settled(tab: Tab) -> bool:
    try:
        settled = await tab.evaluate(_SETTLED, context=await tab.isolated_world())
        return bool(settled) and tab.loads.finished
    except ProtocolError:
        # The page went somewhere between the two commands; look again.
        return False

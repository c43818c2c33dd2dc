"""Putting a document into a tab, and waiting until it can be captured."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

from services.renderer.engine.model import Document, ErrorCode, RenderError
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
    Promise.resolve(promise).catch((error) => { state.failed ??= String(error); }).finally(() => { state.open -= 1; });
  };
  Object.defineProperty(window, "pressline", { value: Object.freeze({ ready }) });
  Object.defineProperty(window, Symbol.for("pressline.state"), { value: state });
})()"""
# One expression: a script may call ready between two.
_READY_STATE = """({ open: 0, failed: null, ...window[Symbol.for("pressline.state")],
  loaded: document.readyState === "complete" })"""


async def show(tab: Tab, document: Document) -> None:
    """Load a document and wait until its fonts and images are there, and its own promises settled.

    Raises:
        RenderError: TEMPLATE_ERROR when the document says that it failed.
    """
    if document.scripted:
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
    answers = _Answers(tab, html)
    tab.on("Fetch.requestPaused", answers.take)
    await tab.send("Fetch.enable", patterns=[{"urlPattern": "*", "resourceType": "Document"}])
    await tab.send("Page.addScriptToEvaluateOnNewDocument", source=_READY)
    await tab.send("Page.navigate", url=ADDRESS)


class _Answers:
    """Gives the document to the first request; every later navigation is told that there is nothing to show."""

    def __init__(self, tab: Tab, html: str) -> None:
        self._tab = tab
        self._html: str | None = html
        self._sending: set[asyncio.Task[Any]] = set()

    def take(self, event: dict[str, Any]) -> None:
        task = asyncio.ensure_future(self._answer(event["requestId"]))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _answer(self, request: str) -> None:
        html, self._html = self._html, None
        headers = [{"name": "Content-Type", "value": "text/html; charset=utf-8"}]
        body = base64.b64encode((html or "").encode()).decode()
        try:
            await self._tab.send(
                "Fetch.fulfillRequest",
                requestId=request,
                responseCode=204 if html is None else 200,
                responseHeaders=headers,
                body=body,
            )
        except Exception:
            # The request is gone with its page; whoever waits for the page learns why.
            return


async def _wait_until_ready(tab: Tab) -> None:
    pause = _FIRST_PAUSE_SECONDS
    while True:
        state = await tab.evaluate(_READY_STATE)
        if state["failed"] is not None:
            raise RenderError(
                ErrorCode.TEMPLATE_ERROR,
                f"The promise given to window.pressline.ready was rejected: {state['failed']}",
            )
        if state["loaded"] and not state["open"]:
            return
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


async def _wait_until_settled(tab: Tab) -> None:
    pause = _FIRST_PAUSE_SECONDS
    while not await _is_settled(tab):
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


async def _is_settled(tab: Tab) -> bool:
    try:
        return bool(await tab.evaluate(_SETTLED, context=await tab.isolated_world()))
    except ProtocolError:
        # The page went somewhere between the two commands; look again.
        return False

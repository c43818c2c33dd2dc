"""One page in a context of its own, spoken to over the DevTools protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from playwright.async_api import BrowserContext, CDPSession
from playwright.async_api import Error as PlaywrightError

from services.renderer.engine.loads import Loads
from services.renderer.engine.model import BrowserLostError, Lost, PageCrashedError
from services.renderer.engine.requests import Requests

CLOSE_SECONDS = 3.0
WORLD = "pressline"
_GONE = ("closed", "crashed", "Session not found", "Internal server error, session")


class ProtocolError(Exception):
    """Chromium refused a command."""


class Tab:
    """A page. With `scripts` false nothing of its documents can run, whatever they hold."""

    def __init__(self, context: BrowserContext, session: CDPSession, lost: Lost, frame: str) -> None:
        self.frame = frame
        self._context = context
        self._session = session
        self._lost = lost
        self._crashed: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._metrics: dict[str, Any] = {}
        self.requests = Requests(self.send, self.on)
        self.loads = Loads(self.send, self.on)
        # The assets that its documents loaded last.
        self.asset_set = ""

    @classmethod
    async def open(cls, context: BrowserContext, lost: Lost, *, scripts: bool) -> Tab:
        """Open the context's page. `lost` is done once the browser is gone."""
        page = await context.new_page()
        session = await context.new_cdp_session(page)
        await session.send("Page.enable")
        tree = await session.send("Page.getFrameTree")
        tab = cls(context, session, lost, tree["frameTree"]["frame"]["id"])
        page.on("crash", lambda _page: tab._mark_crashed())
        if not scripts:
            await session.send("Emulation.setScriptExecutionDisabled", {"value": True})
        return tab

    @property
    def crashed(self) -> bool:
        """True once the page crashed."""
        return self._crashed.done()

    def on(self, event: str, handler: Callable[[dict[str, Any]], None]) -> None:
        """Call `handler` with the parameters of each such event."""
        self._session.on(event, handler)

    async def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command.

        Raises:
            BrowserLostError: the browser ended.
            PageCrashedError: the page crashed.
            ProtocolError: the command was refused.
        """
        call: asyncio.Future[Any] = asyncio.ensure_future(self._session.send(method, parameters))
        try:
            await asyncio.wait({call, self._lost, self._crashed}, return_when=asyncio.FIRST_COMPLETED)
            if call.done():
                return dict(call.result())
            self._raise_if_gone()
        except PlaywrightError as error:
            if any(word in error.message for word in _GONE):
                await self._explain_end()
            raise ProtocolError(error.message) from error
        finally:
            if not call.done():
                call.cancel()
        raise BrowserLostError("the browser ended")

    async def evaluate(
        self, expression: str, *, context: int | None = None, timeout_seconds: float | None = None
    ) -> Any:
        """Evaluate an expression in the page, or in the given context of it, and return its JSON value.

        Raises:
            ProtocolError: it threw, or ran longer than the timeout.
        """
        options = {} if context is None else {"contextId": context}
        if timeout_seconds is not None:
            options["timeout"] = int(timeout_seconds * 1000)
        answer = await self.send("Runtime.evaluate", expression=expression, returnByValue=True, **options)
        if "exceptionDetails" in answer:
            raise ProtocolError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    async def isolated_world(self) -> int:
        """The id of a context that sees the page's DOM, but none of its scripts' objects."""
        world = await self.send("Page.createIsolatedWorld", frameId=self.frame, worldName=WORLD)
        return int(world["executionContextId"])

    async def resize(self, width: int, height: int, scale: float = 1) -> None:
        """Set the viewport, in CSS pixels, and the device pixels per CSS pixel."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
        if metrics != self._metrics:
            self._metrics = {}
            await self.send("Emulation.setDeviceMetricsOverride", **metrics)
            self._metrics = metrics

    async def close(self) -> bool:
        """Close the page and all that it stored; false when that did not end in time."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._context.close()
        except (PlaywrightError, TimeoutError):
            return False
        return True

    def _mark_crashed(self) -> None:
        if not self._crashed.done():
            self._crashed.set_result(None)

    def _raise_if_gone(self) -> None:
        if self._lost.done():
            raise self._lost.result()("the browser ended")
        if self._crashed.done():
            raise PageCrashedError("the page crashed")

    async def _explain_end(self) -> None:
        # The command may fail just before the event that says why.
        await asyncio.wait({self._lost, self._crashed}, timeout=1, return_when=asyncio.FIRST_COMPLETED)
        self._raise_if_gone()
        raise BrowserLostError("the page closed")

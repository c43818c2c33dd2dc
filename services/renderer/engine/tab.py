"""One page in a context of its own, spoken to over the DevTools protocol."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from services.renderer.engine import world
from services.renderer.engine.connection import Connection, DisconnectedError, ProtocolError, Session
from services.renderer.engine.frames import Frames
from services.renderer.engine.loads import Loads
from services.renderer.engine.model import BrowserLostError, Form, Lost, PageCrashedError
from services.renderer.engine.requests import Event, Requests

__all__ = ["ProtocolError", "Tab"]

CLOSE_SECONDS = 3.0
WORLD = "pressline"
_BLANK = "about:blank"


class Tab:
    """A page. With `scripts` false nothing of its documents can run, whatever they hold."""

    def __init__(
        self, connection: Connection, session: Session, lost: Lost, context: str, frames: Frames | None
    ) -> None:
        self.frame = ""
        self.scripts = True
        # Of a browser that draws only when it is asked to.
        self.frames = frames
        self._connection = connection
        self._session = session
        self._lost = lost
        self._context = context
        self._crashed: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answering: set[asyncio.Task[None]] = set()
        self._metrics: dict[str, Any] = {}
        self._world: int | None = None
        self._first: str | None = None
        # What has been gone to last.
        self._loaded = ""
        self._arrived = asyncio.Event()
        self.requests = Requests(self.send, self.on)
        self.loads = Loads(self.send, self.on)
        # The assets that its documents loaded last.
        self.asset_set = ""
        # The time zone and the language that its scripts find.
        self.place: tuple[str, ...] = ()
        # What it shows, as long as that can be changed where it stands.
        self.shown: Form | None = None

    @classmethod
    async def open(cls, connection: Connection, lost: Lost, frames: Frames | None, *, scripts: bool) -> Tab:
        """Open a page in a new context. `lost` is done once the browser is gone.

        With `frames`, in a browser for that, it draws only when it is asked to.
        """
        made = await connection.send("Target.createBrowserContext", {"disposeOnDetach": True})
        context = made["browserContextId"]
        await connection.send("Browser.setDownloadBehavior", {"behavior": "deny", "browserContextId": context})
        wanted = {"url": _BLANK, "browserContextId": context, "enableBeginFrameControl": frames is not None}
        target = await connection.send("Target.createTarget", wanted)
        tab = cls(connection, await connection.attach(target["targetId"]), lost, context, frames)
        await tab._prepare(scripts=scripts)
        return tab

    @property
    def crashed(self) -> bool:
        """True once the page crashed."""
        return self._crashed.done()

    def on(self, event: str, handler: Callable[[Event], None]) -> None:
        """Call `handler` with the parameters of each such event."""
        self._session.on(event, handler)

    async def send(self, method: str, **parameters: Any) -> Event:
        """Send a command. Bytes are sent, and come, as they are.

        Raises:
            BrowserLostError: the browser ended.
            PageCrashedError: the page crashed.
            ProtocolError: the command was refused.
        """
        if self.crashed:
            raise PageCrashedError("the page crashed")
        try:
            return await self._connection.send(method, parameters, self._session)
        except DisconnectedError as error:
            await self._explain_end()
            raise BrowserLostError("the page closed") from error

    async def evaluate(
        self, expression: str, *, context: int | None = None, timeout_seconds: float | None = None, waits: bool = False
    ) -> Any:
        """Evaluate an expression in the page, or in the given context of it, and return its JSON value.

        With `waits` it is a promise, whose value is returned.

        Raises:
            ProtocolError: it threw, or ran longer than the timeout.
        """
        options: dict[str, Any] = {} if context is None else {"contextId": context}
        if waits:
            options["awaitPromise"] = True
        if timeout_seconds is not None:
            options["timeout"] = int(timeout_seconds * 1000)
        try:
            answer = await self.send("Runtime.evaluate", expression=expression, returnByValue=True, **options)
        except ProtocolError:
            # The page may have gone elsewhere, and the context with what it left.
            self._world = None
            raise
        if "exceptionDetails" in answer:
            raise ProtocolError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    async def ask(self, function: str, *given: Any, waits: bool = False) -> Any:
        """Ask the page by a function of `web/`, given JSON values, and return its JSON value, or that of its promise.

        Raises:
            ProtocolError: it threw, or the page has gone elsewhere meanwhile.
        """
        if self._world is None:
            self._world = await self._new_world()
        call = f"pressline.{function}({json.dumps(given)[1:-1]})"
        return await self.evaluate(call, context=self._world, waits=waits)

    async def resize(self, width: int, height: int, scale: float = 1) -> None:
        """Set the viewport, in CSS pixels, and the device pixels per CSS pixel."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
        if metrics != self._metrics:
            self._metrics, self.shown = {}, None
            await self.send("Emulation.setDeviceMetricsOverride", **metrics)
            self._metrics = metrics

    async def resize_back(self) -> None:
        """Set the viewport that a new page has."""
        self._metrics, self.shown = {}, None
        await self.send("Emulation.clearDeviceMetricsOverride")

    async def run_first(self, script: str) -> None:
        """Run a script ahead of those of the next document; empty, none."""
        if self._first is not None:
            await self.send("Page.removeScriptToEvaluateOnNewDocument", identifier=self._first)
            self._first = None
        if script:
            self._first = (await self.send("Page.addScriptToEvaluateOnNewDocument", source=script))["identifier"]

    async def go_blank(self) -> None:
        """Leave the document; nothing of it runs any more, and what it loaded is asked for again."""
        self.shown, self._world, self.asset_set = None, None, ""
        blank = (await self.send("Page.navigate", url=_BLANK))["loaderId"]
        # The answer may come while the document before is still there.
        while self._loaded != blank:
            self._arrived.clear()
            await self._arrived.wait()

    async def forget_cookies(self) -> None:
        """Forget the cookies of all that it has shown."""
        await self._send_of_context("Storage.clearCookies")

    async def is_alone(self) -> bool:
        """Whether nothing else, a window or a worker, is left of what its documents have opened."""
        targets = (await self._send_of_context("Target.getTargets"))["targetInfos"]
        return len([target for target in targets if target.get("browserContextId") == self._context]) == 1

    async def close(self) -> bool:
        """Close the page and all that it stored; false when that did not end in time."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._send_of_context("Target.disposeBrowserContext")
        except (ProtocolError, BrowserLostError, TimeoutError):
            return False
        return True

    async def _send_of_context(self, method: str) -> Event:
        try:
            return await self._connection.send(method, {"browserContextId": self._context})
        except DisconnectedError as error:
            raise BrowserLostError("the browser ended") from error

    async def _new_world(self) -> int:
        # It lasts until the page goes elsewhere: documents that are set into it share it.
        made = await self.send("Page.createIsolatedWorld", frameId=self.frame, worldName=WORLD)
        await self.evaluate(world.script(), context=made["executionContextId"])
        return int(made["executionContextId"])

    async def _prepare(self, *, scripts: bool) -> None:
        self.on("Inspector.targetCrashed", lambda _event: self._mark_crashed())
        self.on("Page.frameNavigated", self._note_arrival)
        self.on("Page.javascriptDialogOpening", self._dismiss)
        await self.send("Page.enable")
        self.frame = (await self.send("Page.getFrameTree"))["frameTree"]["frame"]["id"]
        # Every page looks as if it had the focus, whichever of several it is.
        await self.send("Emulation.setFocusEmulationEnabled", enabled=True)
        if not scripts:
            self.scripts = False
            await self.send("Emulation.setScriptExecutionDisabled", value=True)

    def _note_arrival(self, event: Event) -> None:
        if "parentId" not in event["frame"]:
            self._loaded = event["frame"]["loaderId"]
            self._arrived.set()

    def _dismiss(self, event: Event) -> None:
        # A page is held up by its own question until somebody answers.
        leaves = event.get("type") == "beforeunload"
        task = asyncio.ensure_future(self._answer_dialog(accept=leaves))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer_dialog(self, *, accept: bool) -> None:
        try:
            await self._connection.send("Page.handleJavaScriptDialog", {"accept": accept}, self._session)
        except (ProtocolError, DisconnectedError):
            # It is gone with its page.
            return

    def _mark_crashed(self) -> None:
        if not self._crashed.done():
            self._crashed.set_result(None)
            self._session.end("the page crashed")

    async def _explain_end(self) -> None:
        # The command may fail just before the event that says why.
        await asyncio.wait((self._lost, self._crashed), timeout=1, return_when=asyncio.FIRST_COMPLETED)
        if self._lost.done():
            raise self._lost.result()("the browser ended")
        if self._crashed.done():
            raise PageCrashedError("the page crashed")

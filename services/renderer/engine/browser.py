"""Chromium processes: starting them, opening tabs in them, ending them."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from playwright.async_api import Browser as PlaywrightBrowser
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Playwright, async_playwright

from services.renderer.engine import launcher
from services.renderer.engine.memory import MemoryWatch
from services.renderer.engine.model import BrowserLostError, BrowserTooLargeError, BrowserUnavailableError, Lost
from services.renderer.engine.processes import kill_group
from services.renderer.engine.tab import Tab
from services.renderer.engine.workspace import Workspace

LAUNCH_SECONDS = 20.0
OPEN_SECONDS = 15.0
DRIVER_SECONDS = 10.0
log = structlog.get_logger()


class Browser:
    """One running Chromium."""

    def __init__(self, browser: PlaywrightBrowser, pid: int, folder: Path) -> None:
        self.pid = pid
        self.group = os.getpgid(pid)
        self.lost: Lost = asyncio.get_running_loop().create_future()
        self._browser = browser
        self._folder = folder
        browser.on("disconnected", lambda _browser: self._mark_lost(BrowserLostError))

    @property
    def alive(self) -> bool:
        """False once the process is gone or being killed."""
        return not self.lost.done()

    async def open(self, *, scripts: bool) -> Tab:
        """A page in a context of its own, sharing nothing with others.

        Raises:
            BrowserLostError: the browser is gone, or opens no page.
        """
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                context = await self._browser.new_context(no_viewport=True, accept_downloads=False)
                return await Tab.open(context, self.lost, scripts=scripts)
        except (PlaywrightError, TimeoutError) as error:
            await self.kill()
            raise self.lost.result()("the browser opens no page") from error

    async def kill(self, *, too_large: bool = False) -> None:
        """End the whole process group at once and remove its folder; safe to repeat."""
        self._mark_lost(BrowserTooLargeError if too_large else BrowserLostError)
        await kill_group(self.group)
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def _mark_lost(self, error: type[BrowserLostError]) -> None:
        if not self.lost.done():
            self.lost.set_result(error)


class Launcher:
    """Starts browsers.

    Args:
        chromium: the executable.
        sandbox: Chromium's own sandbox.
        workspace: holds the browsers' folders.
        memory_mb: what a browser may take before it is ended, in MiB.
    """

    def __init__(self, chromium: str, workspace: Workspace, *, sandbox: bool, memory_mb: int) -> None:
        self._chromium = chromium
        self._sandbox = sandbox
        self._workspace = workspace
        self._playwright: Playwright | None = None
        self._reviving = asyncio.Lock()
        self._watch = MemoryWatch(memory_mb)
        self._closing = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Start the driver that all browsers are steered through."""
        await self._start_driver()
        self._watching = asyncio.create_task(self._watch.run(self._closing))

    async def launch(self) -> Browser:
        """Start a browser.

        Raises:
            BrowserUnavailableError: it does not start.
        """
        starting = asyncio.create_task(self._start())
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            # Nobody waits for it any more, but it will be there.
            starting.add_done_callback(self._kill_unwanted)
            raise

    async def _start(self) -> Browser:
        if self._playwright is None:
            raise BrowserUnavailableError("the launcher is not started")
        folder = self._workspace.folder(launcher.unprivileged_owner())
        command = launcher.command(self._chromium, folder, sandbox=self._sandbox)
        try:
            browser = await self._playwright.chromium.launch(
                executable_path=command[0],
                args=command[1:],
                ignore_default_args=True,
                env=launcher.environment(folder),
                handle_sigint=False,
                handle_sigterm=False,
                handle_sighup=False,
                timeout=LAUNCH_SECONDS * 1000,
            )
            pid = await _pid(browser)
        except (PlaywrightError, ProcessLookupError) as error:
            shutil.rmtree(folder, ignore_errors=True)
            log.exception("browser.unavailable", error=str(error))
            await self._revive(self._playwright)
            raise BrowserUnavailableError(str(error)) from error
        log.info("browser.started", pid=pid)
        started = Browser(browser, pid, folder)
        self._watch.add(started)
        return started

    async def _start_driver(self) -> None:
        with _temporary_files_in(self._workspace.path):
            self._playwright = await async_playwright().start()

    async def _revive(self, driver: Playwright) -> None:
        """Start another driver when this one has ended; its browsers ended with it."""
        async with self._reviving:
            if driver is self._playwright and not await _answers(driver):
                log.error("driver.lost")
                await self._start_driver()

    def _kill_unwanted(self, starting: asyncio.Task[Browser]) -> None:
        if not starting.cancelled() and starting.exception() is None:
            ending = asyncio.create_task(starting.result().kill())
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        """Stop the driver. Browsers are ended before."""
        await asyncio.gather(*self._ending)
        self._closing.set()
        if self._watching is not None:
            await self._watching
        if self._playwright is not None:
            await self._playwright.stop()


async def _answers(driver: Playwright) -> bool:
    try:
        async with asyncio.timeout(DRIVER_SECONDS):
            await (await driver.request.new_context()).dispose()
    except (PlaywrightError, TimeoutError):
        return False
    return True


async def _pid(browser: PlaywrightBrowser) -> int:
    session = await browser.new_browser_cdp_session()
    info = await session.send("SystemInfo.getProcessInfo")
    await session.detach()
    return next(int(process["id"]) for process in info["processInfo"] if process["type"] == "browser")


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    # The driver makes folders of its own; it takes TMPDIR from our environment when it starts.
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before

"""Chromium processes: starting them, opening tabs in them, ending them."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
from pathlib import Path

import structlog

from services.renderer.engine import launcher
from services.renderer.engine.connection import Connection, DisconnectedError, ProtocolError
from services.renderer.engine.frames import Frames
from services.renderer.engine.memory import MemoryWatch
from services.renderer.engine.model import BrowserLostError, BrowserTooLargeError, BrowserUnavailableError, Lost
from services.renderer.engine.processes import kill_group
from services.renderer.engine.tab import Tab
from services.renderer.engine.workspace import Workspace

LAUNCH_SECONDS = 20.0
OPEN_SECONDS = 15.0
# Read at once: a picture is about this large.
_READ_AHEAD_BYTES = 1 << 20
log = structlog.get_logger()


class Browser:
    """One running Chromium.

    Args:
        process: its main process, which leads a group of its own.
        folder: its files.
        draws: whether it draws by itself; one that does not draws only when it is asked to.
    """

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, *, draws: bool) -> None:
        self.pid = self.group = process.pid
        self.lost: Lost = asyncio.get_running_loop().create_future()
        self._process = process
        self._folder = folder
        self._frames = None if draws else Frames()
        self._connection: Connection | None = None

    @property
    def alive(self) -> bool:
        """False once the process is gone or being killed."""
        return not self.lost.done()

    async def connect(self, ours: socket.socket) -> None:
        """Wait until it answers on the other end of a socket.

        Raises:
            BrowserUnavailableError: it does not within 20 s.
        """
        try:
            async with asyncio.timeout(LAUNCH_SECONDS):
                reader, writer = await asyncio.open_connection(sock=ours, limit=_READ_AHEAD_BYTES)
                self._connection = Connection(reader, writer, lambda: self._mark_lost(BrowserLostError))
                await self._connection.send("Browser.getVersion", {})
        except (DisconnectedError, ProtocolError, TimeoutError) as error:
            raise BrowserUnavailableError("Chromium does not answer after its start") from error

    async def open(self, *, scripts: bool) -> Tab:
        """A page in a context of its own, sharing nothing with others.

        Raises:
            BrowserLostError: the browser is gone, or opens no page.
        """
        if self._connection is None:
            raise BrowserLostError("the browser is not connected")
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                return await Tab.open(self._connection, self.lost, self._frames, scripts=scripts)
        except (DisconnectedError, ProtocolError, TimeoutError) as error:
            await self.kill()
            raise self.lost.result()("the browser opens no page") from error

    async def kill(self, *, too_large: bool = False) -> None:
        """End the whole process group at once and remove its folder; safe to repeat."""
        self._mark_lost(BrowserTooLargeError if too_large else BrowserLostError)
        await kill_group(self.group)
        # It is reaped by now, so this only notes that.
        self._process.poll()
        if self._connection is not None:
            await self._connection.close()
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
        self._watch = MemoryWatch(memory_mb)
        self._closing = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to watch what browsers take."""
        self._watching = asyncio.create_task(self._watch.run(self._closing))

    async def launch(self, *, draws: bool = True) -> Browser:
        """Start a browser. One that need not draw by itself does half the work, where Chromium can do that.

        Raises:
            BrowserUnavailableError: it does not start.
        """
        draws = draws or not launcher.can_leave_frames_out(self._chromium)
        starting = asyncio.create_task(self._start(draws=draws))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            # Nobody waits for it any more, but it will be there.
            starting.add_done_callback(self._kill_unwanted)
            raise

    async def _start(self, *, draws: bool) -> Browser:
        folder = self._workspace.folder(launcher.unprivileged_owner())
        try:
            browser = await self._connected(folder, draws=draws)
        except BrowserUnavailableError as error:
            log.exception("browser.unavailable", error=str(error))
            shutil.rmtree(folder, ignore_errors=True)
            raise
        log.info("browser.started", pid=browser.pid)
        self._watch.add(browser)
        return browser

    async def _connected(self, folder: Path, *, draws: bool) -> Browser:
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                browser = Browser(self._spawn(folder, theirs, draws=draws), folder, draws=draws)
        except OSError as error:
            ours.close()
            raise BrowserUnavailableError(str(error)) from error
        try:
            await browser.connect(ours)
        except BrowserUnavailableError:
            await browser.kill()
            raise
        return browser

    def _spawn(self, folder: Path, theirs: socket.socket, *, draws: bool) -> subprocess.Popen[bytes]:
        # By this thread, which must outlive it: it dies with the thread that started it.
        return subprocess.Popen(
            launcher.command(self._chromium, folder, sandbox=self._sandbox, draws=draws),
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=launcher.environment(folder),
            start_new_session=True,
        )

    def _kill_unwanted(self, starting: asyncio.Task[Browser]) -> None:
        if not starting.cancelled() and starting.exception() is None:
            ending = asyncio.create_task(starting.result().kill())
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        """Stop watching. Browsers are ended before."""
        await asyncio.gather(*self._ending)
        self._closing.set()
        if self._watching is not None:
            await self._watching

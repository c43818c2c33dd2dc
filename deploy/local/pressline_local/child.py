"""One process of the stack: started, probed, started again when it dies, stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from pressline_local import launch, logs
from pressline_local.folder import ProcessRecord
from pressline_local.processes import kill_tree, mark
from pressline_local.program import Program
from services.common import lifecycle

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0
# Having lived so long, a process is restarted at once again.
SETTLED_SECONDS = 30.0
PROBE_EVERY_SECONDS = 0.1
PROBE_SECONDS = 5.0
log = structlog.get_logger()


class EndedError(Exception):
    """A process ended when it should have become ready; the text is the beginning of a sentence."""


class Child:
    """A program kept running.

    Args:
        program: what to run.
        log_file: where its output goes.
        changed: called after every change of state.
    """

    def __init__(self, program: Program, log_file: Path, changed: Callable[[], None]) -> None:
        self.program = program
        self.log_file = log_file
        self.ready = asyncio.Event()
        self.problem = "it did not answer"
        self._changed = changed
        self._stopping = asyncio.Event()
        self._exited = asyncio.Event()
        self._exit_code = 0
        self._keeper: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._state = "starting"
        self._mark: str | None = None
        self._starts = 0
        self._log_start = 0

    @property
    def pid(self) -> int | None:
        """The running process."""
        return None if self._process is None else self._process.pid

    def record(self) -> ProcessRecord:
        """How it stands."""
        return ProcessRecord(self.program.name, self.pid, self._mark, self._state, max(0, self._starts - 1))

    def start(self) -> None:
        """Run it until `stop`; when it dies it is started again, with growing pauses while it keeps dying."""
        self._keeper = asyncio.create_task(self._keep_running())

    async def stop(self) -> None:
        """Ask it to end, insist after its grace, and return when it is gone."""
        self._stopping.set()
        if self._keeper is not None:
            await self._keeper

    async def until_ready(self) -> None:
        """Wait for the first time that it serves.

        Raises:
            EndedError: it ended instead.
        """
        waits = [asyncio.create_task(event.wait()) for event in (self.ready, self._exited)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if not self.ready.is_set():
            raise EndedError(f"{self.program.name} ended with exit code {self._exit_code} before it was ready")

    def last_lines(self, count: int) -> list[str]:
        """The end of what it printed since its latest start."""
        return logs.last_lines(self.log_file, count, self._log_start)

    async def _keep_running(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                await self._run_once()
            except OSError as error:
                log.exception("child.not_started", name=self.program.name, error=repr(error))
            if time.monotonic() - began > SETTLED_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            await lifecycle.wait(self._stopping, pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        self._enter("stopped")

    async def _run_once(self) -> None:
        process = await self._spawn()
        probing = asyncio.create_task(self._until_serving())
        stopping = asyncio.create_task(self._stopping.wait())
        ending = asyncio.create_task(process.wait())
        await asyncio.wait({ending, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in (probing, stopping):
            task.cancel()
        if not ending.done():
            await self._end(process)
        self._exit_code = await ending
        self._process, self._mark = None, None
        self._remove_stale()
        log.info("child.ended", name=self.program.name, exit_code=self._exit_code, asked=self._stopping.is_set())
        self._enter("restarting")
        self._exited.set()

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), self.program.grace_seconds)
        except TimeoutError:
            log.warning("child.killed", name=self.program.name, grace_seconds=self.program.grace_seconds)
            kill_tree(process.pid)

    async def _spawn(self) -> asyncio.subprocess.Process:
        self._remove_stale()
        logs.bound(self.log_file)
        launcher = (sys.executable, "-I", "-S", launch.__file__, str(int(signal.SIGKILL)), str(os.getpid()))
        with self.log_file.open("ab") as output:
            self._log_start = output.tell()
            self._process = await asyncio.create_subprocess_exec(
                *launcher,
                *self.program.command,
                env=dict(self.program.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # A Ctrl-C at the terminal is for the supervisor, which stops everything in order.
                start_new_session=True,
            )
        self._mark = mark(self._process.pid)
        self._starts += 1
        log.info("child.started", name=self.program.name, pid=self._process.pid)
        self._enter("starting")
        return self._process

    async def _until_serving(self) -> None:
        while True:
            try:
                async with asyncio.timeout(PROBE_SECONDS):
                    await self.program.ready()
                break
            except Exception as error:
                self.problem = str(error) or type(error).__name__
            await asyncio.sleep(PROBE_EVERY_SECONDS)
        self.ready.set()
        self._enter("running")

    def _enter(self, state: str) -> None:
        self._state = state
        self._changed()

    def _remove_stale(self) -> None:
        for path in self.program.stale:
            path.unlink(missing_ok=True)

"""The supervisor: starts everything in order, keeps it running, stops it in reverse."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import structlog

from pressline_local import logs, plan
from pressline_local.child import Child, EndedError
from pressline_local.errors import LocalError
from pressline_local.folder import DataFolder, RunRecord
from pressline_local.ports import HeldPorts
from pressline_local.processes import adopt_orphans, alive, end_orphans, kill_tree, mark
from pressline_local.program import Program
from pressline_local.servers import Server
from pressline_local.services import Options
from services.common import lifecycle, logging

START_SECONDS = 60.0
GIVEN_SECONDS = 10.0
HOUSEKEEPING_SECONDS = 5.0
LEFTOVER_SECONDS = 10.0
log = structlog.get_logger()


class Supervisor:
    """Runs one data folder. The caller holds the folder's lock."""

    def __init__(self, folder: DataFolder, options: Options, caller: Mapping[str, str]) -> None:
        self._folder = folder
        self._options = options
        self._caller = caller
        self._held = HeldPorts()
        self._stages: list[list[Child]] = []
        self._ready = False
        self._error: str | None = None

    async def run(self, stop: asyncio.Event) -> bool:
        """Run until `stop` is set; false when it did not come to run, which the record then explains."""
        self._kill_leftovers()
        self._record()
        starting = asyncio.create_task(self._start())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                await starting
                self._ready = True
                self._record()
                await lifecycle.every(HOUSEKEEPING_SECONDS, stop, self._keep_house)
        except LocalError as error:
            self._error = str(error)
            log.warning("supervisor.failed", error=self._error)
        finally:
            starting.cancel()
            stopping.cancel()
            await asyncio.wait({starting, stopping})
            await self._stop()
        return self._error is None

    async def _start(self) -> None:
        plan_ = plan.make(self._folder, self._options, self._held, self._caller)
        await asyncio.gather(*(_answers(server) for server in plan_.given))
        try:
            async with asyncio.timeout(START_SECONDS):
                for programs in plan_.stages:
                    await self._start_stage(programs)
        except TimeoutError:
            late = next(child for child in self._children() if not child.ready.is_set())
            sentence = f"{late.program.name} was not ready {START_SECONDS:.0f} s after the start ({late.problem})"
            raise LocalError(_with_log(sentence, late)) from None

    async def _start_stage(self, programs: list[Program]) -> None:
        stage = [Child(program, self._folder.log(program.name), self._record) for program in programs]
        self._stages.append(stage)
        for child in stage:
            child.start()
        await asyncio.gather(*(_first_ready(child) for child in stage))

    async def _stop(self) -> None:
        self._ready = False
        for stage in reversed(self._stages):
            await asyncio.gather(*(child.stop() for child in stage))
        end_orphans(known=(), older_than=0)
        self._held.close()
        self._record()

    async def _keep_house(self) -> None:
        end_orphans({child.pid for child in self._children() if child.pid}, older_than=HOUSEKEEPING_SECONDS)
        for child in self._children():
            logs.bound(child.log_file)
        logs.bound(self._folder.log("supervisor"))

    def _children(self) -> list[Child]:
        return [child for stage in self._stages for child in stage]

    def _kill_leftovers(self) -> None:
        # Children die with their supervisor, but not at once; until they are gone they sit on our ports.
        previous = self._folder.run()
        deadline = time.monotonic() + LEFTOVER_SECONDS
        for process in previous.processes if previous else ():
            while process.pid is not None and alive(process.pid, process.mark) and time.monotonic() < deadline:
                log.warning("leftover.killed", name=process.name, pid=process.pid)
                kill_tree(process.pid)
                time.sleep(0.1)

    def _record(self) -> None:
        own = os.getpid()
        processes = [child.record() for child in self._children()]
        options = self._options
        try:
            record = RunRecord(own, mark(own), options.api, options.grpc, self._ready, self._error, processes)
            self._folder.keep_run(record)
        except OSError as error:
            # A full disk makes `status` stale; it must not take the stack down.
            log.warning("record.failed", error=repr(error))


async def _first_ready(child: Child) -> None:
    try:
        await child.until_ready()
    except EndedError as error:
        raise LocalError(_with_log(str(error), child)) from error


async def _answers(server: Server) -> None:
    deadline = time.monotonic() + GIVEN_SECONDS
    while True:
        try:
            async with asyncio.timeout(GIVEN_SECONDS):
                return await server.ready()
        except Exception as error:
            if time.monotonic() > deadline:
                raise LocalError(f"{server.name}, by the address that was given, cannot be used: {error!r}.") from error
        await asyncio.sleep(0.5)


def _with_log(sentence: str, child: Child) -> str:
    lines = "".join(f"\n  {line}" for line in child.last_lines(5))
    return f"{sentence}; {child.log_file} ends with:{lines}"


async def _serve(folder: DataFolder, options: Options) -> bool:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return await Supervisor(folder, options, os.environ).run(stop)


def main() -> None:
    """`python -m pressline_local.supervisor DATA PORT GRPC_PORT RENDERERS`, as `pressline up` starts it."""
    data, port, grpc_port, renderers = sys.argv[1:]
    logging.configure("supervisor", "info")
    folder = DataFolder(Path(data))
    with folder.locked() as ours:
        if not ours:
            sys.exit(f"Another supervisor runs on {folder.path}.")
        adopt_orphans()
        done = asyncio.run(_serve(folder, Options(int(port), int(grpc_port), int(renderers))))
    sys.exit(0 if done else 1)


if __name__ == "__main__":
    main()

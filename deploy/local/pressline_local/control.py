"""What the commands do: start a supervisor, watch it get ready, ask how it stands, stop it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace

from pressline_local import launch, logs
from pressline_local.errors import LocalError
from pressline_local.folder import DataFolder, ProcessRecord, RunRecord
from pressline_local.processes import alive, kill_tree
from pressline_local.services import Options

POLL_SECONDS = 0.05
# Longer than the supervisor's own limit and the stopping that may follow it.
UP_SECONDS = 150.0
# Each stage's grace, one after the other.
DOWN_SECONDS = 110.0


def running(folder: DataFolder) -> RunRecord | None:
    """The record of the supervisor that runs now."""
    record = folder.run()
    return record if record is not None and alive(record.pid, record.mark) else None


def start(folder: DataFolder, options: Options, *, detach: bool) -> subprocess.Popen[bytes]:
    """Start a supervisor. One that is not detached stops when this process ends, however it ends."""
    folder.make()
    command = (sys.executable, "-m", "pressline_local.supervisor", str(folder.path))
    numbers = (str(options.port), str(options.grpc_port), str(options.renderers))
    bound = () if detach else (sys.executable, "-I", "-S", launch.__file__, str(int(signal.SIGTERM)), str(os.getpid()))
    logs.bound(folder.log("supervisor"))
    with folder.log("supervisor").open("ab") as output:
        return subprocess.Popen(
            [*bound, *command, *numbers],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def until_ready(folder: DataFolder, supervisor: subprocess.Popen[bytes], tell: Callable[[str], None]) -> RunRecord:
    """Wait for a supervisor that was just started, telling which process got ready.

    Raises:
        LocalError: it did not come to run; nothing is left of it.
    """
    told: set[str] = set()
    deadline = time.monotonic() + UP_SECONDS
    while time.monotonic() < deadline:
        ended = supervisor.poll() is not None
        record = folder.run()
        if record is not None and record.pid == supervisor.pid:
            _tell_news(record, told, tell)
            if record.ready:
                return record
        if ended and supervisor.returncode == 0:
            raise LocalError("It was stopped before everything was ready.")
        if ended:
            raise LocalError(_why(folder, supervisor.pid))
        time.sleep(POLL_SECONDS)
    kill_tree(supervisor.pid)
    raise LocalError(f"Nothing was ready within {UP_SECONDS:.0f} s; {folder.log('supervisor')} may say why.")


def until_running(folder: DataFolder) -> RunRecord | None:
    """Wait for a supervisor that someone else has started; None when it ended."""
    deadline = time.monotonic() + UP_SECONDS
    while (record := running(folder)) is not None and not record.ready and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return record


def stop(folder: DataFolder) -> bool:
    """Stop the stack in order; false when it did not run."""
    record = running(folder)
    if record is None:
        return False
    os.kill(record.pid, signal.SIGTERM)
    deadline = time.monotonic() + DOWN_SECONDS
    while alive(record.pid, record.mark):
        if time.monotonic() > deadline:
            kill_tree(record.pid)
        time.sleep(POLL_SECONDS)
    return True


def processes(folder: DataFolder) -> list[ProcessRecord]:
    """How each process stands at this moment, also when nothing runs."""
    record = folder.run()
    if record is None:
        return []
    up = alive(record.pid, record.mark)
    return [_now(process, up=up) for process in record.processes]


def _now(process: ProcessRecord, *, up: bool) -> ProcessRecord:
    if alive(process.pid, process.mark):
        return process
    return replace(process, pid=None, mark=None, state="restarting" if up else "stopped")


def _tell_news(record: RunRecord, told: set[str], tell: Callable[[str], None]) -> None:
    for process in record.processes:
        if process.state == "running" and process.name not in told:
            told.add(process.name)
            tell(f"{process.name} is ready.")


def _why(folder: DataFolder, pid: int) -> str:
    record = folder.run()
    if record is not None and record.pid == pid and record.error:
        return record.error
    lines = logs.last_lines(folder.log("supervisor"), 1)
    return lines[0] if lines else f"The supervisor ended; {folder.log('supervisor')} is empty."

"""Children are restarted, ended and bounded; ports and folders are held by one at a time."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from pressline_local import launch, logs
from pressline_local.child import Child, EndedError
from pressline_local.errors import LocalError
from pressline_local.folder import DataFolder
from pressline_local.ports import HeldPorts
from pressline_local.processes import alive, mark
from pressline_local.program import Program

SLEEP = ("/bin/sleep", "600")
STUBBORN = ("/bin/sh", "-c", "trap '' TERM; sleep 600 & wait; wait")


async def _at_once() -> None:
    """A program that serves as soon as it runs."""


@asynccontextmanager
async def kept(folder: Path, command: tuple[str, ...], *, grace: float = 5) -> AsyncIterator[Child]:
    child = Child(Program("sleeper", command, {}, _at_once, grace), folder / "sleeper.log", lambda: None)
    child.start()
    try:
        await until(child.ready.is_set)
        yield child
    finally:
        await child.stop()


async def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_killed_child_is_back(tmp_path: Path) -> None:
    async with kept(tmp_path, SLEEP) as child:
        first = child.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda: child.pid not in {first, None})
        assert child.record().restarts == 1


async def test_a_child_that_keeps_dying_is_started_ever_less_often(tmp_path: Path) -> None:
    child = Child(Program("dying", ("/bin/false",), {}, _never, 5), tmp_path / "dying.log", lambda: None)
    began = time.monotonic()
    child.start()
    try:
        with pytest.raises(EndedError, match="dying ended with exit code 1"):
            await child.until_ready()
        await until(lambda: child.record().restarts == 3)
        # Before them are pauses of 0.2, 0.4 and 0.8 s.
        assert time.monotonic() - began >= 1.4
    finally:
        await child.stop()


async def _never() -> None:
    raise ConnectionError


async def test_stopping_in_a_pause_between_restarts_starts_nothing(tmp_path: Path) -> None:
    child = Child(Program("dying", ("/bin/false",), {}, _never, 5), tmp_path / "dying.log", lambda: None)
    child.start()
    with pytest.raises(EndedError):
        await child.until_ready()
    await asyncio.wait_for(child.stop(), 60)
    assert child.pid is None
    assert child.record().state == "stopped"


async def test_a_child_that_ignores_sigterm_is_killed_with_its_children(tmp_path: Path) -> None:
    async with kept(tmp_path, STUBBORN, grace=0.5) as child:
        pid = child.pid
        assert pid is not None
        await until(lambda: bool(psutil.Process(pid).children()))
        grandchild = psutil.Process(pid).children()[0]
        started = time.monotonic()
        await child.stop()
        assert time.monotonic() - started >= 0.5
        await until(lambda: not alive(grandchild.pid, mark(grandchild.pid)))


async def test_a_log_that_has_grown_is_moved_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LOG_BYTES", 1000)
    chatty = ("/bin/sh", "-c", "for i in $(seq 200); do echo a line that fills the log; done; exec sleep 600")
    async with kept(tmp_path, chatty) as child:
        await until(lambda: child.log_file.stat().st_size >= 5000)
        logs.bound(child.log_file)
        assert child.log_file.stat().st_size == 0
        assert child.log_file.with_suffix(".log.1").stat().st_size >= 5000


def test_a_launched_program_dies_with_its_parent() -> None:
    launcher = f"{sys.executable} -I -S {launch.__file__} {int(signal.SIGKILL)} $$ /bin/sleep 600"
    parent = subprocess.Popen(["/bin/bash", "-c", f"{launcher} & echo $!; wait"], stdout=subprocess.PIPE, text=True)
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        _wait_for(lambda: psutil.Process(pid).name() == "sleep")
        parent.kill()
    _wait_for(lambda: mark(pid) is None)


def test_orphans_are_ended_and_children_left_alone() -> None:
    # In a process of its own: adopting orphans is for the whole life of a process.
    code = (
        "import subprocess, psutil, time\n"
        "from pressline_local.processes import adopt_orphans, end_orphans\n"
        "adopt_orphans()\n"
        "child = subprocess.Popen(['/bin/sleep', '600'])\n"
        "subprocess.run(['/bin/sh', '-c', 'sleep 600 & exit'])\n"
        "assert len(psutil.Process().children()) == 2\n"
        "end_orphans({child.pid}, older_than=0)\n"
        "assert [p.pid for p in psutil.Process().children()] == [child.pid]\n"
        "child.kill(); child.wait()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_a_held_port_is_not_chosen_twice_and_yet_can_be_served_on() -> None:
    held = HeldPorts()
    try:
        port = held.choose()
        with socket.socket() as looking, pytest.raises(OSError, match="in use"):
            looking.bind(("127.0.0.1", port))
        with socket.create_server(("127.0.0.1", port)):
            other = HeldPorts()
            with pytest.raises(LocalError, match=f"Port {port} cannot be used .*; try another"):
                other.hold(port, "try another")
    finally:
        held.close()


def test_secrets_are_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.make()
    made = folder.secrets()
    assert DataFolder(folder.path).secrets() == made
    assert len(bytes.fromhex(made.secret_key)) == 32
    assert (folder.path / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert folder.path.stat().st_mode & 0o777 == 0o700


def test_a_data_folder_is_locked_by_one(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.make()
    with folder.locked() as first, folder.locked() as second:
        assert (first, second) == (True, False)
    with folder.locked() as again:
        assert again


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("{")
    with pytest.raises(LocalError, match=r"state\.json cannot be read"):
        DataFolder(tmp_path).state()


def _wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)

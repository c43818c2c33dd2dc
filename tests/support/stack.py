"""The whole system, run as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from pressline_local.ports import HeldPorts

PRESSLINE = str(Path(sys.executable).parent / "pressline")
UP_SECONDS = 160
DOWN_SECONDS = 120


@dataclass(frozen=True)
class Stack:
    """A running system.

    Attributes:
        api: base URL of the REST API.
        grpc: host:port of the public gRPC listener.
        data: its data folder.
    """

    api: str
    grpc: str
    data: Path

    def key(self, plan: str = "enterprise", account: str | None = None) -> str:
        """A new API key; every plan has an account of its own unless one is named."""
        arguments = ("--account", account or f"tests-{plan}", "--plan", plan, "--data", str(self.data))
        return pressline("keys", "create", *arguments).stdout.strip()

    def processes(self) -> dict[str, dict[str, Any]]:
        """What `status` says, by name."""
        return status(self.data)


def pressline(
    *arguments: str, timeout: float = 60, check: bool = True, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command line; its failure is the test's, with what it said."""
    environment = {**os.environ, **(env or {})}
    done = subprocess.run(
        [PRESSLINE, *arguments], capture_output=True, text=True, timeout=timeout, check=False, env=environment
    )
    if check and done.returncode != 0:
        raise AssertionError(f"pressline {' '.join(arguments)} ended with {done.returncode}: {done.stderr}")
    return done


def status(data: Path) -> dict[str, dict[str, Any]]:
    """The processes of a data folder, by name."""
    said = json.loads(pressline("status", "--json", "--data", str(data)).stdout)
    return {process["name"]: process for process in said["processes"]}


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses now."""
    held = HeldPorts()
    try:
        return [held.choose() for _ in range(count)]
    finally:
        held.close()


def up(
    data: Path, *, port: int, grpc_port: int, renderers: int = 1, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """`pressline up --detach`, whatever comes of it."""
    ports = ("--port", str(port), "--grpc-port", str(grpc_port))
    arguments = ("up", "--detach", "--data", str(data), *ports, "--renderers", str(renderers))
    return pressline(*arguments, timeout=UP_SECONDS, check=False, env={**(env or {}), **mark_of(data)})


def refused_up(
    data: Path, *, port: int, grpc_port: int, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """`pressline up --detach` that must fail with 1 and leave no process behind."""
    done = up(data, port=port, grpc_port=grpc_port, env=env)
    left = processes_of(data)
    down(data)
    assert done.returncode == 1, done
    assert not left, left
    return done


def mark_of(data: Path) -> dict[str, str]:
    """A variable that services hand down to what they start, by which `processes_of` finds them all."""
    return {"PRESSLINE_TEST_DATA": str(data)}


def down(data: Path) -> None:
    """`pressline down`, which must work."""
    pressline("down", "--data", str(data), timeout=DOWN_SECONDS)


@contextmanager
def running_stack(data: Path, *, renderers: int = 1, env: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """A stack on free ports; at the end it must stop and leave no process behind, a browser's included."""
    port, grpc_port = free_ports(2)
    done = up(data, port=port, grpc_port=grpc_port, renderers=renderers, env=env)
    assert done.returncode == 0, done.stderr
    addresses = json.loads(done.stdout.splitlines()[-1])
    try:
        yield Stack(addresses["api"], addresses["grpc"], data)
    finally:
        started = tree_of(data)
        down(data)
        _, left = psutil.wait_procs(started, timeout=60)
        assert not left, left
        assert not processes_of(data)


def tree_of(data: Path) -> list[psutil.Process]:
    """The supervisor of a data folder and all that descends from it."""
    supervisor = psutil.Process(json.loads((data / "run.json").read_text())["pid"])
    return [supervisor, *supervisor.children(recursive=True)]


def processes_of(data: Path) -> list[str]:
    """Living processes that show the data folder in their command line or environment."""
    found = []
    for process in psutil.process_iter(["pid", "name", "cmdline"]):
        try:
            told = [*process.cmdline(), *process.environ().values()]
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
        if process.pid != os.getpid() and any(str(data) in word for word in told):
            found.append(f"{process.pid} {process.name()}")
    return found

"""What the supervisor runs: a command, its surroundings, and how to ask whether it is ready."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

Probe = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Program:
    """One process.

    Attributes:
        name: its name in `status`, in the data folder and in messages.
        command: the program's absolute path and its arguments.
        environment: all of its environment.
        ready: raises as long as the program does not serve.
        grace_seconds: how long it may take to end after SIGTERM.
        stale: files that must not be there when it starts, and that it may leave behind.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    ready: Probe
    grace_seconds: float
    stale: tuple[Path, ...] = ()

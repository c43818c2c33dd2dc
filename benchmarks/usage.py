"""What a tree of processes has used: processor time and memory, by kind of process."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

CHROMIUM, DRIVER, OTHER = "chromium", "driver", "python"
Usage = dict[str, float]


@dataclass
class Held:
    """What processes of one kind hold: memory that is no file's in MiB, and open file descriptors."""

    memory_mib: float = 0
    descriptors: int = 0


def cpu_seconds(root: int, names: Mapping[int, str] | None = None) -> Usage:
    """Processor seconds that a tree has used since it was started, with those of its processes that have ended.

    Except for the pages of a browser that has ended: in its sandbox they end together, and leave no account behind.

    Args:
        root: the process at its top.
        names: kinds of processes by pid; what a process starts is of its kind, unless it is a browser or its driver.
    """
    used: Usage = defaultdict(float)
    for process, kind in _kinds(root, names or {}):
        with suppress(psutil.Error):
            times = process.cpu_times()
            used[kind] += times.user + times.system
            # Of ours, only browsers end while we watch.
            ended = CHROMIUM if kind in {DRIVER, OTHER} or kind.startswith("renderer") else kind
            used[ended] += times.children_user + times.children_system
    return used


def browsers(root: int) -> set[int]:
    """The main processes of the browsers in a tree."""
    chromium = {process.pid: process for process, kind in _kinds(root, {}) if kind == CHROMIUM}
    found = set()
    for pid, process in chromium.items():
        with suppress(psutil.Error):
            found |= {pid} if process.ppid() not in chromium else set()
    return found


def memory_mib(root: int) -> float:
    """What a tree takes, in MiB: memory that several processes share is counted once (PSS)."""
    kib = 0
    for process in _tree(root):
        with suppress(OSError, KeyError):
            kib += _pss_kib(process.pid, "Pss")
    return kib / 1024


def held(root: int, names: Mapping[int, str]) -> dict[str, Held]:
    """What the processes of a tree hold, by kind; the arguments are those of `cpu_seconds`."""
    found: dict[str, Held] = defaultdict(Held)
    for process, kind in _kinds(root, names):
        with suppress(psutil.Error, OSError, KeyError):
            # Pages of files come and go with whoever else has them open, and as the kernel likes.
            memory, descriptors = _pss_kib(process.pid, "Pss_Anon", "Pss_Shmem") / 1024, process.num_fds()
            found[kind].memory_mib += memory
            found[kind].descriptors += descriptors
    return found


def busy_seconds() -> float:
    """Processor seconds that the whole machine has spent on anything."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait - times.guest - times.guest_nice)


def zombies(root: int) -> int:
    """Processes of a tree that have ended and that nobody has looked after."""
    found = 0
    for process in _tree(root):
        with suppress(psutil.NoSuchProcess):
            found += process.status() == psutil.STATUS_ZOMBIE
    return found


def _tree(root: int) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        top = psutil.Process(root)
        return [top, *top.children(recursive=True)]
    return []


def _kinds(root: int, names: Mapping[int, str]) -> list[tuple[psutil.Process, str]]:
    kinds: dict[int, str] = {}
    found = []
    # Parents come before their children.
    for process in _tree(root):
        with suppress(psutil.Error):
            kind = names.get(process.pid) or _own_kind(process) or kinds.get(process.ppid(), OTHER)
            kinds[process.pid] = kind
            found.append((process, kind))
    return found


def _own_kind(process: psutil.Process) -> str | None:
    name = process.name()
    if "headless" in name or "chrom" in name:
        return CHROMIUM
    return DRIVER if name.startswith("node") else None


def _pss_kib(pid: int, *kinds: str) -> int:
    rolled_up = Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8")
    shares = dict(line.split(":", 1) for line in rolled_up.splitlines()[1:])
    return sum(int(shares[kind].split()[0]) for kind in kinds)

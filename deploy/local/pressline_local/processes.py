"""Processes told apart from later ones with the same pid, and ended for sure."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Collection
from pathlib import Path

import psutil

PR_SET_CHILD_SUBREAPER = 36


def mark(pid: int) -> str | None:
    """What tells a process from any other with its pid, before or after it: None when there is no such process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
    except OSError:
        return None
    state, start_ticks = fields[0], fields[19]
    return None if state in "ZX" else f"{boot}-{start_ticks}"


def alive(pid: int | None, known_mark: str | None) -> bool:
    """True while exactly that process lives."""
    return pid is not None and known_mark is not None and mark(pid) == known_mark


def kill_tree(pid: int) -> None:
    """SIGKILL a process and all that descends from it."""
    try:
        root = psutil.Process(pid)
        doomed = [*root.children(recursive=True), root]
    except psutil.NoSuchProcess:
        return
    for process in doomed:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue


def adopt_orphans() -> None:
    """Make this process the parent of what its children leave behind, so that it can be found and ended."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1) != 0:
        raise OSError(ctypes.get_errno(), "the kernel refuses PR_SET_CHILD_SUBREAPER")


def end_orphans(known: Collection[int], older_than: float) -> None:
    """Kill and reap adopted processes.

    Args:
        known: pids of our own children, which are left alone.
        older_than: seconds that a process must have lived, so that a child just started is not mistaken for one.
    """
    for child in psutil.Process().children():
        try:
            if child.pid not in known and time.time() - child.create_time() >= older_than:
                kill_tree(child.pid)
                os.waitpid(child.pid, 0)
        except (psutil.NoSuchProcess, ChildProcessError):
            continue

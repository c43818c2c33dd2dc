"""Ending a browser's process group, leaving no process and no zombie."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal

_PR_SET_CHILD_SUBREAPER = 36
_LONGEST_SECONDS = 5.0
_POLL_SECONDS = 0.01


def adopt_orphans() -> None:
    """Become the parent of what a dying browser leaves behind, so that it can be reaped here."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


async def kill_group(group: int) -> None:
    """Kill a process group and wait, at most 5 s, until nothing of it is left."""
    deadline = asyncio.get_running_loop().time() + _LONGEST_SECONDS
    while _signal(group) and asyncio.get_running_loop().time() < deadline:
        _reap(group)
        await asyncio.sleep(_POLL_SECONDS)


def _signal(group: int) -> bool:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _reap(group: int) -> None:
    try:
        while os.waitpid(-group, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        return

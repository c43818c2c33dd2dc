"""Processes of the renderer's own that read documents: they see no settings, are bounded, and do not outlive it."""

from __future__ import annotations

import ctypes
import os
import resource
import signal

_PR_SET_PDEATHSIG = 1


def environment() -> dict[str, str]:
    """What such a process is started with: it has no business with the settings, some of which are secrets."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PRESSLINE_")}


def confine(memory_bytes: int) -> None:
    """Bound this process's memory, and have it end with the renderer.

    Args:
        memory_bytes: of address space; more is a MemoryError.
    """
    # Nobody would end it any more when its renderer is killed.
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))

"""Ends browsers that take more memory than one may."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import structlog

from services.common import lifecycle

LOOK_EVERY_SECONDS = 0.25
_PROC = Path("/proc")
_KIB_PER_MIB = 1024
# After the command, whose name may hold anything, in /proc/<pid>/stat: state, parent, process group.
_GROUP_FIELD = 2
log = structlog.get_logger()


class Watched(Protocol):
    """A browser as it is watched."""

    pid: int
    group: int

    @property
    def alive(self) -> bool: ...

    async def kill(self, *, too_large: bool) -> None: ...


class MemoryWatch:
    """Looks four times a second at what each browser takes.

    Args:
        most_mb: what a browser and the processes of its pages may take together, in MiB.
    """

    def __init__(self, most_mb: int) -> None:
        self._most_mb = most_mb
        self._browsers: set[Watched] = set()

    def add(self, browser: Watched) -> None:
        """Watch a browser until it ends."""
        self._browsers.add(browser)

    async def run(self, stop: asyncio.Event) -> None:
        """Watch until stopped."""
        await lifecycle.every(LOOK_EVERY_SECONDS, stop, self._look)

    async def _look(self) -> None:
        self._browsers = {browser for browser in self._browsers if browser.alive}
        taken = await asyncio.to_thread(measure, [browser.group for browser in self._browsers])
        for browser in list(self._browsers):
            if browser.alive and taken.get(browser.group, 0) > self._most_mb:
                log.warning("browser.too_large", pid=browser.pid, mb=taken[browser.group], most_mb=self._most_mb)
                await browser.kill(too_large=True)


def measure(groups: Iterable[int]) -> dict[int, int]:
    """What process groups take, in MiB: each process's own memory, and the largest share of what they share.

    Read from where any user may, since a browser in its sandbox shows the rest to nobody. What its processes share
    is mapped by several of them and counted once.
    """
    own = dict.fromkeys(groups, 0)
    shared = dict.fromkeys(own, 0)
    for process in _PROC.iterdir() if own else ():
        # Processes end while they are looked at.
        with suppress(OSError, ValueError, IndexError):
            group = _group_of(process)
            if group in own:
                taken = _memory_of(process)
                own[group] += taken["RssAnon"]
                shared[group] = max(shared[group], taken["RssShmem"])
    return {group: (own[group] + shared[group]) // _KIB_PER_MIB for group in own}


def _group_of(process: Path) -> int:
    if not process.name.isdecimal():
        return 0
    return int((process / "stat").read_text().rpartition(")")[2].split()[_GROUP_FIELD])


def _memory_of(process: Path) -> dict[str, int]:
    lines = (line.split() for line in (process / "status").read_text().splitlines() if line.startswith("Rss"))
    # A zombie has none.
    return {"RssAnon": 0, "RssShmem": 0} | {name.rstrip(":"): int(kib) for name, kib, _ in lines}

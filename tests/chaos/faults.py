"""How each fault is done to a running system, and undone."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

import psutil

from tests.chaos.plan import Action, Fault
from tests.chaos.proxy import Link
from tests.chaos.system import System

LATENCY_SECONDS = 0.5
# A process that was killed before may just be starting again, a renderer's browser too.
ALIVE_SECONDS = 60.0


async def inject(system: System, fault: Fault, begun: Callable[[], None]) -> None:
    """Do it, keep it up as long as it lasts, and undo it.

    Args:
        system: the system.
        fault: what to do to it.
        begun: called once it is done.

    Raises:
        TimeoutError: there is no such process.
    """
    await _INJECTORS[fault.kind.action](system, fault, begun)


async def _kill(system: System, fault: Fault, begun: Callable[[], None]) -> None:
    name, _, browser = fault.target.partition("/")
    async with asyncio.timeout(ALIVE_SECONDS):
        while not _signal(await _browser(system, name) if browser else await _pid(system, name), signal.SIGKILL):
            await asyncio.sleep(0.1)
    begun()


async def _pause(system: System, fault: Fault, begun: Callable[[], None]) -> None:
    async with asyncio.timeout(ALIVE_SECONDS):
        while not _signal(pid := await _pid(system, fault.target), signal.SIGSTOP):
            await asyncio.sleep(0.1)
    begun()
    try:
        await asyncio.sleep(fault.kind.seconds)
    finally:
        # Meanwhile another fault may have killed it.
        _signal(pid, signal.SIGCONT)


async def _reset(system: System, fault: Fault, begun: Callable[[], None]) -> None:
    system.links[fault.target].reset()
    begun()


async def _black_hole(system: System, fault: Fault, begun: Callable[[], None]) -> None:
    link = system.links[fault.target]
    link.passing.clear()
    begun()
    try:
        await asyncio.sleep(fault.kind.seconds)
    finally:
        link.passing.set()


async def _latency(system: System, fault: Fault, begun: Callable[[], None]) -> None:
    link = system.links[fault.target]
    link.delay = LATENCY_SECONDS
    begun()
    try:
        await asyncio.sleep(fault.kind.seconds)
    finally:
        link.delay = 0


async def _refuse(system: System, fault: Fault, begun: Callable[[], None]) -> None:
    with _refusing([link for name, link in system.links.items() if name.endswith(f"-{fault.target}")]):
        begun()
        await asyncio.sleep(fault.kind.seconds)


@contextmanager
def _refusing(links: list[Link]) -> Iterator[None]:
    for link in links:
        link.refusing = True
    try:
        yield
    finally:
        for link in links:
            link.refusing = False


_INJECTORS: dict[Action, Callable[[System, Fault, Callable[[], None]], Awaitable[None]]] = {
    Action.KILL: _kill,
    Action.PAUSE: _pause,
    Action.RESET: _reset,
    Action.BLACK_HOLE: _black_hole,
    Action.LATENCY: _latency,
    Action.REFUSE: _refuse,
}


async def _pid(system: System, name: str) -> int:
    while (pid := system.children[name].pid) is None:
        await asyncio.sleep(0.05)
    return pid


async def _browser(system: System, renderer: str) -> int:
    """The first process of a Chromium of a renderer."""
    while True:
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(await _pid(system, renderer)).children(recursive=True):
                command = child.cmdline()
                if command and "chrom" in command[0] and not any(word.startswith("--type=") for word in command):
                    return child.pid
        await asyncio.sleep(0.2)


def _signal(pid: int, number: signal.Signals) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
        return True
    return False

"""Who renders: what every contestant can do, and how one runs in a process of its own."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Protocol

from benchmarks import usage
from benchmarks.cases import Case

END_SECONDS = 60


@dataclass(frozen=True)
class Turn:
    """What came of one turn: its seconds, each item's seconds and each file's bytes."""

    seconds: float
    latencies: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)


class Contestant(Protocol):
    """Renders so many items of a case when it is its turn."""

    root: int
    names: Mapping[int, str]

    def render(self, case: Case, count: int) -> None:
        """Take a turn."""

    def turn(self) -> Turn:
        """What came of the last one; looked up after what it cost was measured."""


Make = Callable[[int], Awaitable[bytes]]
Maker = Callable[[Case, int], Awaitable[Turn]]


async def at_once(many: int, count: int, make: Make) -> Turn:
    """Make so many files, never more than `many` at the same time."""
    numbers, latencies, sizes = itertools.count(), [0.0] * count, [0] * count

    async def one_after_another() -> None:
        while (number := next(numbers)) < count:
            began = time.perf_counter()
            sizes[number] = len(await make(number))
            latencies[number] = time.perf_counter() - began

    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(many):
            group.create_task(one_after_another())
    return Turn(time.perf_counter() - started, latencies, sizes)


class Child:
    """A contestant in a process of its own, so that what it costs can be told apart."""

    names: Mapping[int, str] = {}

    def __init__(self, pid: int, connection: Connection) -> None:
        self.root = pid
        self._connection = connection
        self._turn = Turn(0)

    def render(self, case: Case, count: int) -> None:
        """Take a turn."""
        self._connection.send((case, count))
        self._turn = self._connection.recv()

    def turn(self) -> Turn:
        """What came of the last one."""
        return self._turn


@contextmanager
def in_own_process(
    start: Callable[[], AbstractAsyncContextManager[Maker]], run: Callable[..., None] = asyncio.run
) -> Iterator[Child]:
    """Start a contestant, given as a function of a module, on an event loop of its own kind."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, start, run))
    process.start()
    theirs.close()
    try:
        assert process.pid is not None
        yield Child(process.pid, ours)
    finally:
        ours.close()
        process.join(END_SECONDS)
        assert process.exitcode == 0, f"{start.__name__} ended with {process.exitcode}"


def _serve(
    connection: Connection, start: Callable[[], AbstractAsyncContextManager[Maker]], run: Callable[..., None]
) -> None:
    async def serve() -> None:
        async with start() as make:
            while True:
                try:
                    case, count = await asyncio.to_thread(connection.recv)
                except EOFError:
                    break
                connection.send(await make(case, count))

    run(serve())


def settled_cost(contestant: Contestant) -> usage.Usage:
    """Processor seconds so far, when what a turn leaves behind has been cleared up."""
    time.sleep(0.5)
    return usage.cpu_seconds(contestant.root, contestant.names)

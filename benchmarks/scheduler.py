"""Items a second of the scheduler, NATS and the database together, with 1,000 items queued and with 100,000.

    python -m benchmarks.scheduler --rounds 5

The renderer is a stub in this process: it claims and reports over NATS and gRPC as a real one does, without a browser
and without files. There are two systems, each on servers of its own with as many batches of as many accounts: small
batches in the one, and in the other so large ones that its queue never gets below 100,000 items. They take turns; the
one whose turn it is not has no renderer.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import command, tables, usage
from benchmarks.bare_system import BareSystem, bare_system
from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from tests.support.scheduler import Client, ReportingRenderer

ACCOUNTS = 11
SMALL, LARGE = 91, 10_000
# Of a turn, those at the beginning and at the end do not count: the lane is filled, and batches end.
WARM_UP, MEASURED = 200, 700
SLOTS = 16
TURN_SECONDS = 600


@dataclass(frozen=True)
class Turn:
    """What was measured of one."""

    items_per_second: float
    cpu_ms: Mapping[str, float]


class Contestant:
    """A system with a number of items queued."""

    def __init__(self, system: BareSystem, accounts: Sequence[Client]) -> None:
        self._system = system
        self._accounts = accounts
        self.turns: list[Turn] = []

    async def submit(self, items: int) -> None:
        """Queue a batch of so many items for each account."""
        for account in self._accounts:
            await account.submit(items)

    async def take_turn(self, others: Mapping[int, str]) -> None:
        """Measure some items, in the midst of a turn."""
        names = {**others, **self._system.names, os.getpid(): "stub renderer"}
        times, cpu = [], [usage.Usage(), usage.Usage()]
        over = asyncio.Event()

        async def note(_task: task_pb2.Task) -> list[batch_pb2.ItemError]:
            times.append(time.perf_counter())
            if len(times) in {WARM_UP, WARM_UP + MEASURED}:
                cpu[len(times) > WARM_UP] = usage.cpu_seconds(os.getpid(), names)
            if len(times) == WARM_UP + MEASURED:
                over.set()
            return []

        async with ReportingRenderer(self._system.client, self._system.nats_url, note, slots=SLOTS).running():
            await asyncio.wait_for(over.wait(), TURN_SECONDS)
        seconds = times[WARM_UP + MEASURED - 1] - times[WARM_UP - 1]
        used = {kind: (cpu[1][kind] - cpu[0][kind]) * 1000 / MEASURED for kind in cpu[1] if kind != "other system"}
        self.turns.append(Turn(MEASURED / seconds, used))

    async def until_empty(self) -> None:
        """Let the stub do what is left."""
        async with ReportingRenderer(self._system.client, self._system.nats_url, slots=SLOTS).running():
            for account in self._accounts:
                listed = await account.batches.ListBatches(batch_pb2.ListBatchesRequest(), metadata=account.auth)
                for batch in listed.batches:
                    await account.until_ended(batch.id)

    def others(self) -> Mapping[int, str]:
        """Its processes, as the other one's measurement calls them."""
        return dict.fromkeys(self._system.names, "other system")

    def summary(self) -> dict[str, Any]:
        """Medians."""
        kinds = sorted({kind for turn in self.turns for kind in turn.cpu_ms})
        return {
            "items_per_second": statistics.median(turn.items_per_second for turn in self.turns),
            "cpu_ms": statistics.median(sum(turn.cpu_ms.values()) for turn in self.turns),
            "cpu_ms_by_process": {
                kind: statistics.median(turn.cpu_ms.get(kind, 0) for turn in self.turns) for kind in kinds
            },
        }


def main() -> None:
    """Measure, print, and keep the results."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5, help="turns of each system")
    found = asyncio.run(measured(arguments.parse_args().rounds))
    print(*tables.of_scheduler(found), sep="\n")
    command.write("scheduler", found)


async def measured(rounds: int) -> dict[str, Any]:
    """The figures of both systems, and how the one with many items does beside the one with few."""
    async with AsyncExitStack() as running:
        few, many = [await _contestant(running) for _ in range(2)]
        await many.submit(LARGE)
        began, busy = time.perf_counter(), usage.busy_seconds()
        mine = sum(usage.cpu_seconds(os.getpid()).values())
        for _ in range(rounds):
            await few.submit(SMALL)
            await few.take_turn(many.others())
            await few.until_empty()
            await many.take_turn(few.others())
        seconds = time.perf_counter() - began
        others = usage.busy_seconds() - busy - (sum(usage.cpu_seconds(os.getpid()).values()) - mine)
        ratios = [b.items_per_second / a.items_per_second for a, b in zip(few.turns, many.turns, strict=True)]
    return {
        "rounds": rounds,
        "cores": os.cpu_count(),
        # The kernel's two counts differ by a little.
        "cores_kept_busy_by_others": max(others, 0) / seconds,
        "ratio": statistics.median(ratios),
        "ratios": ratios,
        "queued": {f"{ACCOUNTS * SMALL:,}": few.summary(), f"{ACCOUNTS * LARGE:,}": many.summary()},
    }


async def _contestant(running: AsyncExitStack) -> Contestant:
    folder = running.enter_context(tempfile.TemporaryDirectory())
    system = await running.enter_async_context(bare_system(Path(folder)))
    accounts = [await system.client.as_account(f"account-{number}") for number in range(ACCOUNTS)]
    return Contestant(system, accounts)


if __name__ == "__main__":
    main()

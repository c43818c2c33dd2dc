"""Runs a plan of faults and records what was done when."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.chaos import faults
from tests.chaos.plan import Fault
from tests.chaos.system import System


@dataclass(frozen=True)
class Injected:
    """A fault that was done.

    Attributes:
        fault: which.
        at_ms: when, in milliseconds since 1970.
    """

    fault: Fault
    at_ms: int


class Injector:
    """Attributes: `injected`, what was done, in order; `impossible`, what could not be done, and why."""

    def __init__(self, system: System) -> None:
        self.injected: list[Injected] = []
        self.impossible: list[str] = []
        self._system = system

    async def run(self, plan: Sequence[Fault]) -> None:
        """Do each fault when it is due; returns when the last one is over."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as under_way:
            for fault in plan:
                await asyncio.sleep(max(began + fault.at - time.monotonic(), 0))
                under_way.create_task(self._do(fault))

    async def _do(self, fault: Fault) -> None:
        def begun() -> None:
            self.injected.append(Injected(fault, time.time_ns() // 1_000_000))
            print(f"  {time.strftime('%H:%M:%S')} {fault.kind.name}: {fault.target}", flush=True)

        try:
            await faults.inject(self._system, fault, begun)
        except TimeoutError:
            self.impossible.append(f"{fault.kind.name}: no process {fault.target} was there")

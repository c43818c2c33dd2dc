"""Contestants take turns in one run, so that whatever else the machine does, it does to all of them."""

from __future__ import annotations

import math
import os
import statistics
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import truediv
from typing import Any

from benchmarks import command, tables, usage
from benchmarks.cases import Case
from benchmarks.command import Wanted
from benchmarks.contestants import Contestant, Turn, settled_cost
from benchmarks.tables import SCRIPT

# It is slow: as many items as the others render would only make the run longer.
SCRIPT_SHARE = 5
FEWEST_ITEMS = 6
# Of a turn's items, as many again are made first and do not count: whoever waited has lost the caches to the others.
WARM_SHARE = 4


@dataclass
class Figures:
    """One contestant's turns at one case.

    Attributes:
        rates: items a second, of each turn.
        cpu_ms: processor milliseconds per item, of each turn after which all could be told, by kind of process.
        latencies: seconds of each item.
        sizes: bytes of each file.
        memory_mib: what the process tree took after each turn.
    """

    rates: list[float] = field(default_factory=list)
    cpu_ms: list[dict[str, float]] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    memory_mib: list[float] = field(default_factory=list)

    def add(self, count: int, cpu: usage.Usage | None, turn: Turn, memory_mib: float) -> None:
        """Take in a turn."""
        self.rates.append(count / turn.seconds)
        if cpu is not None:
            self.cpu_ms.append({kind: seconds * 1000 / count for kind, seconds in cpu.items()})
        self.latencies += turn.latencies
        self.sizes += turn.sizes
        self.memory_mib.append(memory_mib)

    def summary(self, script: Figures | None) -> dict[str, Any]:
        """Medians, and the median of the ratios to the script in the same round."""
        ratio = statistics.median(map(truediv, self.rates, script.rates)) if script else None
        kinds = sorted({kind for turn in self.cpu_ms for kind in turn})
        percentiles = statistics.quantiles(self.latencies, n=20, method="inclusive")
        return {
            "items_per_second": statistics.median(self.rates),
            "ratio": ratio,
            "cpu_ms": statistics.median([sum(turn.values()) for turn in self.cpu_ms] or [math.nan]),
            "cpu_ms_by_process": {kind: statistics.median(turn.get(kind, 0) for turn in self.cpu_ms) for kind in kinds},
            "p50_ms": percentiles[9] * 1000,
            "p95_ms": percentiles[18] * 1000,
            "bytes": statistics.median(self.sizes),
            "memory_mib": max(self.memory_mib),
        }


def compete(name: str, contestants: Mapping[str, Contestant], wanted: Wanted) -> None:
    """Let everyone take a turn at each case, as often as is wanted after one that does not count.

    Summaries by case and contestant are printed, and kept under the name, after every case.
    """
    roots = [contestant.root for contestant in contestants.values()]
    began, others = time.monotonic(), _others_seconds(roots)
    cases: dict[str, Any] = {}
    for case in wanted.cases:
        cases[case.name] = _compete_at(case, contestants, wanted)
        busy = (_others_seconds(roots) - others) / (time.monotonic() - began)
        machine = {"cores": os.cpu_count(), "cores_kept_busy_by_others": busy}
        command.write(name, {"rounds": wanted.rounds, "items": wanted.items, "machine": machine, "cases": cases})
        print(f"\nOther processes kept {busy:.1f} of {os.cpu_count()} cores busy so far.", flush=True)


def _compete_at(case: Case, contestants: Mapping[str, Contestant], wanted: Wanted) -> dict[str, Any]:
    figures = {name: Figures() for name in contestants}
    for number in range(wanted.rounds + 1):
        for name, contestant in contestants.items():
            count = max(wanted.items // SCRIPT_SHARE, FEWEST_ITEMS) if name == SCRIPT else wanted.items
            taken = _turn(contestant, case, count)
            if number:
                figures[name].add(count, *taken)
    summaries = {name: each.summary(figures.get(SCRIPT)) for name, each in figures.items()}
    print("\n".join(["", *tables.of_case(case.name, summaries)]), flush=True)
    return summaries


def _turn(contestant: Contestant, case: Case, count: int) -> tuple[usage.Usage | None, Turn, float]:
    contestant.render(case, max(count // WARM_SHARE, FEWEST_ITEMS))
    before, browsers = settled_cost(contestant), usage.browsers(contestant.root)
    contestant.render(case, count)
    after = settled_cost(contestant)
    cost = {kind: after[kind] - before.get(kind, 0) for kind in after}
    # With a browser that was replaced meanwhile went what its pages had used before the turn.
    is_whole = browsers <= usage.browsers(contestant.root)
    return cost if is_whole else None, contestant.turn(), usage.memory_mib(contestant.root)


def _others_seconds(roots: Iterable[int]) -> float:
    return usage.busy_seconds() - sum(sum(usage.cpu_seconds(root).values()) for root in roots)

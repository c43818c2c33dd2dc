"""Half an hour of steady load: whether any process takes more memory or more file descriptors as time goes by.

    python -m benchmarks.soak --minutes 30

All kinds of files in turn, a batch of twenty at a time. A subscription is told of each, and batches are deleted some
minutes after they have ended, so that what there is to keep stays the same. Memory is what a process and those that it
starts hold that is no file's (the anonymous and shared parts of their PSS), the renderer's browsers apart.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import psutil

from benchmarks import command, tables, usage
from benchmarks.cases import CASES
from benchmarks.end_to_end import EndToEnd, end_to_end
from tests.support.receiver import Receiver, receiving

SAMPLE_SECONDS = 10.0
BATCH_ITEMS = 20
# A batch as often as this, or as soon as the one before has ended: about a quarter of two cores.
BATCH_SECONDS = 10.0
KEPT_BATCHES = 20
# Of every kind of file, before anything counts: caches and allocators come to their level first.
SETTLING_TURNS = 4
FIGURES = ("memory_mib", "descriptors")


class Load:
    """Renders at a steady rate until it is stopped.

    Args:
        system: what is loaded.
    """

    def __init__(self, system: EndToEnd) -> None:
        self.batches = 0
        self._system = system
        self._kept: deque[str] = deque()

    def run(self, stop: threading.Event) -> None:
        """Render all kinds of files in turn."""
        for case in itertools.cycle(CASES):
            began = time.monotonic()
            self._system.render(case, BATCH_ITEMS)
            assert len(self._system.turn().sizes) == BATCH_ITEMS
            self._keep(self._system.last_batch)
            self.batches += 1
            if stop.wait(max(began + BATCH_SECONDS - time.monotonic(), 0)):
                return

    def _keep(self, batch_id: str) -> None:
        self._kept.append(batch_id)
        if len(self._kept) > KEPT_BATCHES:
            self._system.client.batches.delete(self._kept.popleft())


def main() -> None:
    """Measure, print, and keep the results."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=30, help="how long, after some turns of every kind of file")
    minutes = options.parse_args().minutes
    allowed = {"PRESSLINE_WEBHOOK_ALLOW": "127.0.0.0/8"}
    with receiving() as receiver, end_to_end(allowed) as system:
        found = measured(system, receiver, minutes)
    print("\n".join(tables.of_soak(found)))
    command.write("soak", found)


def measured(system: EndToEnd, receiver: Receiver, minutes: float) -> dict[str, Any]:
    """Load the system and look at its processes all the while."""
    system.client.subscriptions.create(receiver.url)
    for case in CASES * SETTLING_TURNS:
        system.render(case, BATCH_ITEMS)
    load, stop = Load(system), threading.Event()
    busy, began = usage.busy_seconds(), time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(load.run, stop)
        try:
            samples = sampled(system, minutes * 60, loading)
        finally:
            stop.set()
        loading.result()
    seconds = time.monotonic() - began
    return {
        "minutes": minutes,
        "items": load.batches * BATCH_ITEMS,
        "webhooks": len(receiver.received),
        "cores_busy": (usage.busy_seconds() - busy) / seconds,
        "zombies": usage.zombies(system.root),
        "ended_processes": sum(not psutil.pid_exists(pid) for pid in system.names),
        "seconds": [round(at - began) for at, _ in samples],
        "processes": by_process([held for _, held in samples]),
    }


def sampled(system: EndToEnd, seconds: float, loading: Future[None]) -> list[tuple[float, dict[str, usage.Held]]]:
    """What each process holds, and when, for so long; a load that breaks off ends it."""
    end = time.monotonic() + seconds
    samples = []
    while time.monotonic() < end and not loading.done():
        began = time.monotonic()
        samples.append((began, usage.held(system.root, system.names)))
        time.sleep(max(began + SAMPLE_SECONDS - time.monotonic(), 0))
    return samples


def by_process(samples: Sequence[Mapping[str, usage.Held]]) -> dict[str, dict[str, dict[str, Any]]]:
    """Of each process and figure the values, and the median of the last fifth against that of the first."""
    names = sorted(set(itertools.chain.from_iterable(samples)))
    empty = usage.Held()
    return {
        name: {figure: compared([getattr(sample.get(name, empty), figure) for sample in samples]) for figure in FIGURES}
        for name in names
    }


def compared(values: Sequence[float]) -> dict[str, Any]:
    """The end of a series against its beginning."""
    fifth = max(len(values) // 5, 1)
    first, last = statistics.median(values[:fifth]), statistics.median(values[-fifth:])
    return {"first": first, "last": last, "ratio": last / first if first else 1.0, "values": list(values)}


if __name__ == "__main__":
    main()

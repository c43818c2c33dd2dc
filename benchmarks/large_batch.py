"""How long a batch of 10,000 rows takes to be accepted, read and cancelled, beside one of 1,000.

    python -m benchmarks.large_batch --runs 5

It starts a stack of its own with one renderer, and alternates between the two sizes. Printed are medians.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from tests.support.gateway import api, until_ended
from tests.support.large_batches import CARD, all_items, peak_memory, variable_sets
from tests.support.stack import Stack, running_stack

SIZES = (1_000, 10_000)
SERVICES = ("gateway", "scheduler")
Figures = dict[str, float]


def main() -> None:
    """Measure, then print a table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=int, default=5, help="of each size")
    runs = arguments.parse_args().runs
    with tempfile.TemporaryDirectory() as folder, running_stack(Path(folder) / "data") as stack, api(stack) as client:
        found = measured(stack, client, runs)
    show(found)


def measured(stack: Stack, client: httpx2.Client, runs: int) -> dict[int, list[Figures]]:
    """The figures of each run, by size."""
    template = client.post("/templates", json={"name": "card", "html": CARD, "width": 400, "height": 200}).json()["uid"]
    found: dict[int, list[Figures]] = {size: [] for size in SIZES}
    for _ in range(runs):
        for size in SIZES:
            found[size].append(one_run(stack, client, template, size))
    return found


def one_run(stack: Stack, client: httpx2.Client, template: str, size: int) -> Figures:
    """Submit, read every page, cancel, and wait until the counts have settled."""
    body, figures = variable_sets(size), Figures()
    processes = stack.processes()
    with peak_memory({name: processes[name]["pid"] for name in SERVICES}) as peaks:
        with timed(figures, "accept, s"):
            answer = client.post(
                f"/templates/{template}/batch-render", content=body, headers={"Content-Type": "application/json"}
            )
        assert answer.status_code == 202, answer.text
        batch = answer.json()["batchId"]
        with timed(figures, "read all pages, s"):
            assert len(all_items(client, batch)) == size
        with timed(figures, "cancel, s"):
            assert client.post(f"/v1/batches/{batch}:cancel").status_code == 200
        with timed(figures, "status after it, s"):
            assert client.get(f"/v1/batches/{batch}").json()["status"] == "cancelled"
        with timed(figures, "counts settled, s"):
            until_ended(client, batch)
            while client.get(f"/v1/batches/{batch}").json()["finished_at"] is None:
                time.sleep(0.1)
    return figures | {f"peak memory of the {name}, MiB": peak for name, peak in peaks.items()}


@contextmanager
def timed(figures: Figures, name: str) -> Iterator[None]:
    """Note how long the block takes."""
    began = time.perf_counter()
    yield
    figures[name] = time.perf_counter() - began


def show(found: dict[int, list[Figures]]) -> None:
    """Print medians, and how they grow with the size."""
    small, large = SIZES
    print(f"| median of {len(found[large])} runs | {small:,} rows | {large:,} rows | ratio |\n|---|---|---|---|")
    for name in found[large][0]:
        few, many = (statistics.median(run[name] for run in found[size]) for size in SIZES)
        print(f"| {name} | {few:.3f} | {many:.3f} | {many / few:.1f} |")


if __name__ == "__main__":
    main()

"""How long a batch of three items takes behind one of 10,000, beside what it takes when nothing else is there.

    python -m benchmarks.fairness --rounds 3

It starts a stack of its own with one renderer. The small batches are once those of another account, and once those of
the account that the large batch is of; it ends with 1 when a median is more than three times that of an idle service.
At the end it renders a batch with `concurrency: 1` beside a large one, and looks in its items' records for two at once.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pressline_client import Batch, Client
from pressline_local.folder import DataFolder
from services.scheduler.store.database import Database
from services.scheduler.store.items import Items
from tests.support.large_batches import CARD, row
from tests.support.stack import Stack, running_stack

LARGE, SMALL = 10_000, 3
MOST_TIMES = 3.0
ONE_AT_A_TIME = 30
OUTPUT = {"format": "jpeg", "width": 400, "height": 200}
OWNER, OTHER = "large", "small"
IDLE = "nothing else there"


def main() -> None:
    """Measure, print, and judge."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=3, help="large batches")
    arguments.add_argument("--runs", type=int, default=5, help="small batches of each kind in a round")
    given = arguments.parse_args()
    found: dict[str, list[float]] = defaultdict(list)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_stack(Path(folder) / "data") as stack,
        Client(stack.api, stack.key(account=OWNER)) as owner,
        Client(stack.api, stack.key(account=OTHER)) as other,
    ):
        seconds_of(other)  # Browsers are started.
        for _ in range(given.rounds):
            take_round(owner, other, given.runs, found)
        overlaps = overlapping(stack, owner, other)
    medians = {name: statistics.median(seconds) for name, seconds in found.items()}
    ratios = {name: median / medians[IDLE] for name, median in medians.items()}
    print(f"| a batch of {SMALL}, medians of {len(found[IDLE])} | s | against idle |\n|---|---|---|")
    for name, median in medians.items():
        print(f"| {name} | {median:.2f} | {ratios[name]:.1f} |")
    print(f"\nItems of a batch with `concurrency: 1` that were rendered while another one was: {overlaps}.")
    sys.exit(overlaps > 0 or max(ratios.values()) > MOST_TIMES)


def take_round(owner: Client, other: Client, runs: int, found: dict[str, list[float]]) -> None:
    """Measure small batches without a large one, and behind one that is cancelled at the end."""
    found[IDLE] += [seconds_of(other) for _ in range(runs)]
    with large_batch(owner):
        found["behind another account's large batch"] += [seconds_of(other) for _ in range(runs)]
        found["behind a large batch of its own account"] += [seconds_of(owner) for _ in range(runs)]


@contextmanager
def large_batch(owner: Client) -> Iterator[None]:
    """Meanwhile there is one that does not end."""
    large = submit(owner, LARGE)
    while not owner.batches.get(large.id).completed:
        time.sleep(0.1)
    yield
    assert not owner.batches.cancel(large.id).finished_at
    while not owner.batches.get(large.id).finished_at:
        time.sleep(0.1)


def seconds_of(client: Client) -> float:
    """From the request that submits a small batch until its end, as recorded."""
    began = time.time()
    ended = until_ended(client, submit(client, SMALL))
    assert ended.finished_at is not None
    return ended.finished_at.timestamp() - began


def submit(client: Client, items: int, concurrency: int | None = None) -> Batch:
    """A batch of cards."""
    rows = [{"data": row(index)} for index in range(items)]
    return client.batches.create(rows, defaults={"html": CARD, "output": OUTPUT}, concurrency=concurrency)


def until_ended(client: Client, batch: Batch) -> Batch:
    """Follow a batch; it as it ended."""
    *_, ended = client.batches.watch(batch.id)
    assert (ended.status, ended.completed) == ("completed", batch.total), ended
    return ended


def overlapping(stack: Stack, owner: Client, other: Client) -> int:
    """Items of a batch of one at a time that were claimed before the one before them had ended."""
    with large_batch(owner):
        batch = submit(other, ONE_AT_A_TIME, concurrency=1)
        until_ended(other, batch)
    times = asyncio.run(times_of(stack, batch.id))
    return sum(later[0] < earlier[1] for earlier, later in itertools.pairwise(times))


async def times_of(stack: Stack, batch_id: str) -> list[tuple[int, int]]:
    """When each item was claimed and when it ended, in milliseconds, as recorded."""
    port = DataFolder(stack.data).state()["ports"]["mongodb"]
    database = Database(f"mongodb://127.0.0.1:{port}", "pressline")
    try:
        items = await Items(database).page(batch_id, 0, ONE_AT_A_TIME, ONE_AT_A_TIME)
    finally:
        await database.close()
    return sorted((item["claimed_ms"], item["ended_ms"]) for item in items)


if __name__ == "__main__":
    main()

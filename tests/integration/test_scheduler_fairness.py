"""Nobody waits for what somebody else submitted before, and no batch has more at once than it asked for."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence

import pytest

from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from services.common import ids
from services.scheduler.settings import SchedulerSettings
from services.scheduler.store.database import Database
from services.scheduler.store.items import Items
from tests.support.scheduler import Client, ReportingRenderer

SECONDS = 60
PAGES = 4
# What is dispatched ahead of the renderers, and what they finish while a submit is on its way; a fraction of LARGE.
HEAD_START = 150
LARGE = 500


def renderer(client: Client, settings: SchedulerSettings) -> ReportingRenderer:
    """One with pages that both lanes share, as in a real one."""
    pages = asyncio.Semaphore(PAGES)

    async def render(_task: task_pb2.Task) -> list[batch_pb2.ItemError]:
        async with pages:
            await asyncio.sleep(0.02)
        return []

    return ReportingRenderer(client, settings.nats_url, render, slots=PAGES)


async def until_claimed(stub: ReportingRenderer, count: int) -> None:
    async with asyncio.timeout(SECONDS):
        while len(stub.claimed) < count:
            await asyncio.sleep(0.02)


def others_before_last(claimed: Sequence[str], batch_id: str, since: int) -> int:
    """Items of others that were claimed after a moment, and before the last of a batch's."""
    mine = [place for place, item_id in enumerate(claimed) if ids.batch_of(item_id) == batch_id]
    return mine[-1] + 1 - since - len(mine)


@pytest.mark.parametrize(("items", "before"), [(3, HEAD_START), (30, HEAD_START + 2 * 30)])
async def test_a_small_batch_does_not_wait_for_a_large_one(
    anonymous: Client, settings: SchedulerSettings, items: int, before: int
) -> None:
    """In the lane of small batches as well as in that of large ones."""
    greedy, modest = await anonymous.as_account("greedy"), await anonymous.as_account("modest")
    large = (await greedy.submit(LARGE)).batch.id
    stub = renderer(anonymous, settings)
    async with stub.running():
        await until_claimed(stub, 20)
        since = len(stub.claimed)
        small = (await modest.submit(items)).batch.id
        await modest.until_ended(small)
        assert not (await greedy.batch(large)).HasField("end_time")
        await greedy.cancel(large)
    assert others_before_last(stub.claimed, small, since) <= before


async def test_an_account_gets_no_more_turns_for_many_batches(anonymous: Client, settings: SchedulerSettings) -> None:
    greedy, modest = await anonymous.as_account("greedy"), await anonymous.as_account("modest")
    many = [(await greedy.submit(40)).batch.id for _ in range(12)]
    one = (await modest.submit(30)).batch.id
    stub = renderer(anonymous, settings)
    async with stub.running():
        await modest.until_ended(one)
        # Twelve would have come before each of its items if batches took turns, whoever they are of.
        assert others_before_last(stub.claimed, one, 0) <= HEAD_START + 2 * 30
        for batch_id in many:
            await greedy.cancel(batch_id)


async def test_one_at_a_time_by_the_records(anonymous: Client, settings: SchedulerSettings) -> None:
    client, other = await anonymous.as_account("one"), await anonymous.as_account("other")
    async with renderer(anonymous, settings).running():
        beside = (await other.submit(40)).batch.id
        created = await client.submit(25, concurrency=1)
        await client.until_ended(created.batch.id)
        await other.until_ended(beside)
    assert at_once(await times_of(settings, created.item_ids)) == 1


async def times_of(settings: SchedulerSettings, item_ids: Sequence[str]) -> list[tuple[int, int]]:
    """When items were claimed and when they ended, in milliseconds, as recorded."""
    database = Database(settings.mongodb_url, settings.mongodb_database)
    try:
        items = await Items(database).live(item_ids)
    finally:
        await database.close()
    return [(item["claimed_ms"], item["ended_ms"]) for item in items]


def at_once(times: Sequence[tuple[int, int]]) -> int:
    """The most items that were rendered at any moment; one that ends as another begins was before it."""
    changes = sorted([(began, 1) for began, _ in times] + [(ended, -1) for _, ended in times])
    return max(itertools.accumulate(change for _, change in changes))

"""Orders of steps that have gone wrong before: two schedulers on stores in memory, one call at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.scheduler import clock, model, slots
from services.scheduler.store.items import Fence
from tests.support.simulation import checks
from tests.support.simulation.world import Running, World

LEASE_OVER_MS = 45_001


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    made = World(None)
    monkeypatch.setattr(clock, "now_ms", lambda: made.now)
    await made.open()
    yield made
    await made.close()


async def do(world: World, work: Any) -> Any:
    answers: list[Any] = []
    await world.finish(world.begin(work, answers.append))
    return answers[0] if answers else None


async def until_called(world: World, one: Running, calls: int) -> None:
    """Let something make so many calls of a store."""
    for _ in range(calls + 1):
        assert not await world.step(one)


async def rung(world: World) -> str:
    """An item of a new batch of one, its message sent."""
    await world.submit(1, 1, 0)
    await do(world, world.schedulers[0].dispatcher._round())
    return world.network.jobs[0]


async def claimed(world: World, item_id: str) -> Fence | None:
    answer = await do(world, world.schedulers[0].tasks.claim(item_id, "renderer"))
    lease = answer.task.lease
    return Fence(lease.item_id, lease.attempt, lease.token) if answer.WhichOneof("outcome") == "task" else None


def stored(world: World, item_id: str) -> dict[str, Any]:
    return world.reference.items.items[item_id]


async def test_a_cancel_between_the_last_result_and_the_end_is_how_the_batch_ends(world: World) -> None:
    item_id = await rung(world)
    fence = await claimed(world, item_id)
    assert fence is not None
    report = world.begin(world.schedulers[0].tasks.end(fence, [], [], [], 5))
    (batch,) = world.reference.batches.batches.values()
    while stored(world, item_id)["state"] != model.SUCCEEDED:
        assert not await world.step(report)
    # Its slot is given back, the batch is read, its items are counted; it is about to end.
    for _ in range(3):
        assert not await world.step(report)
    assert batch["state"] == model.PROCESSING
    assert await world.stores.batches.request_cancel(batch["_id"], world.now)
    await world.finish(report)
    assert batch["state"] == model.CANCELLED
    assert batch["counts"]["succeeded"] == 1
    await checks.recovers(world)


async def test_an_item_that_was_lost_for_the_third_time_is_not_rendered_again_though_nobody_said_so(
    world: World,
) -> None:
    item_id = await rung(world)
    for _ in range(model.MAX_CRASHES):
        fence = await claimed(world, item_id)
        assert fence is not None
        back = world.begin(world.schedulers[0].tasks.hand_back(fence, "crashed", crashed=True))
        await until_called(world, back, 1) if stored(world, item_id)["crashes"] == 2 else await world.finish(back)
    # Whoever counted the third is dead before it gave the item up.
    await world.kill(world.running[0])
    assert (stored(world, item_id)["state"], stored(world, item_id)["crashes"]) == (model.DISPATCHED, 3)
    assert await claimed(world, item_id) is None
    assert stored(world, item_id)["state"] == model.FAILED
    await checks.recovers(world)


async def test_a_message_that_comes_twice_does_not_end_the_last_attempt(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "MAX_ATTEMPTS", 1)
    item_id = await rung(world)
    fence = await claimed(world, item_id)
    assert fence is not None
    assert await claimed(world, item_id) is None
    await do(world, world.schedulers[1].tasks.end(fence, [], [], [], 5))
    assert stored(world, item_id)["state"] == model.SUCCEEDED
    await checks.recovers(world)


async def test_a_renderer_that_comes_back_in_time_keeps_its_item(world: World) -> None:
    item_id = await rung(world)
    for _ in range(model.MAX_CRASHES - 1):
        assert await claimed(world, item_id) is not None
        world.now += LEASE_OVER_MS
    fence = await claimed(world, item_id)
    assert fence is not None
    world.now += LEASE_OVER_MS
    again = world.begin(world.schedulers[1].tasks.claim(item_id, "another"))
    # It has found that nothing is to be claimed, and read the item, whose lease is over, and the batch.
    await until_called(world, again, 3)
    await do(world, world.schedulers[0].tasks.extend(fence))
    await world.finish(again)
    assert stored(world, item_id)["state"] == model.RENDERING
    await do(world, world.schedulers[0].tasks.end(fence, [], [], [], 5))
    assert stored(world, item_id)["state"] == model.SUCCEEDED
    await checks.recovers(world)


async def test_what_was_offered_of_a_batch_is_taken_back_before_its_cancel_is_answered(world: World) -> None:
    batch_id = await world.submit(3, 3, 0)
    await do(world, world.schedulers[0].dispatcher._round())
    first, second, _ = world.network.jobs
    fence = await claimed(world, first)
    assert fence is not None
    # At another scheduler than the one that knows the batch from a claim.
    assert await do(world, world.schedulers[1].canceller.mark(batch_id))
    assert await claimed(world, second) is None
    await do(world, world.schedulers[0].tasks.end(fence, [], [], [], 5))
    assert stored(world, first)["state"] == model.CANCELLED
    await checks.recovers(world)


async def test_what_is_about_to_be_offered_when_its_batch_is_cancelled_never_is(world: World) -> None:
    batch_id = await world.submit(1, 1, 0)
    dealing = world.begin(world.schedulers[0].dispatcher._round())
    while not world.reference.batches.batches[batch_id]["slots"]:
        assert not await world.step(dealing)
    assert await do(world, world.schedulers[1].canceller.mark(batch_id))
    await world.finish(dealing)
    assert [await claimed(world, item_id) for item_id in world.network.jobs] in ([], [None])
    await checks.recovers(world)


async def test_slots_wait_for_each_other_until_few_items_are_left(world: World) -> None:
    parts = world.schedulers[0]
    batch_id = await world.submit(slots.LEAST_LEFT + 4, 0, 0)
    while len(world.network.jobs) < slots.LEAST_LEFT + 4:
        await do(world, parts.dispatcher._round())
    batch = world.reference.batches.batches[batch_id]
    fences = [fence for item_id in list(world.network.jobs) if (fence := await claimed(world, item_id))]
    assert len(fences) == batch["in_flight"] == slots.LEAST_LEFT + 4
    for fence in fences[:4]:
        await do(world, parts.tasks.end(fence, [], [], [], 5))
    # The first one goes at once, and tells that the others can wait. One is told of twice.
    await do(world, parts.tasks.end(fences[1], [], [], [], 5))
    assert batch["in_flight"] == slots.LEAST_LEFT + 3
    # A sweep of another scheduler has found one of them.
    await do(world, world.schedulers[1].finisher.item_ended(fences[2].item_id))
    await do(world, parts.finisher.free_gathered())
    assert batch["in_flight"] == slots.LEAST_LEFT
    for fence in fences[4:]:
        await do(world, parts.tasks.end(fence, [], [], [], 5))
        await do(world, parts.finisher.free_gathered())
    assert batch["state"] == model.COMPLETED
    await checks.recovers(world)

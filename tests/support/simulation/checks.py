"""What must hold in every state of a simulated scheduler, and what must come of it once nothing fails any more."""

from __future__ import annotations

from pressline.batch.v1 import batch_pb2
from services.scheduler import model
from services.scheduler.model import Counts, ItemEvent
from services.scheduler.store.items import Fence
from tests.support.simulation.reference import Change, Document
from tests.support.simulation.stores import comparable
from tests.support.simulation.world import World

ERROR = batch_pb2.ItemError(code="RENDER_ERROR", message="It cannot be drawn.")
# Rounds in which everything that is left must come to its end: each ends at least one lease or lost message.
ROUNDS = 40
ROUND_MS = 61_000
_IN_FLIGHT = {model.DISPATCHED, model.RENDERING}
_CLAIMS = {ItemEvent.CLAIM, ItemEvent.TAKE_OVER}
_OF_OTHERS = {ItemEvent.TAKE_OVER, ItemEvent.GIVE_UP}


def change(made: Change, now: int) -> None:
    """A change of an item."""
    assert made.before not in model.ENDED_ITEM, "it left the state that it ended in"
    if made.before == model.RENDERING and made.event in _OF_OTHERS:
        assert made.item["lease_ms"] < now, "it was taken from a renderer whose lease lasts"
    if made.event in _CLAIMS:
        lost = made.item["crashes"] + (made.event is ItemEvent.TAKE_OVER)
        assert lost < model.MAX_CRASHES, "it was given to one renderer more, although it was lost too often"


def state(world: World) -> None:
    """All batches, their items and their account."""
    for batch in world.reference.batches.batches.values():
        items = [each for each in world.reference.items.items.values() if each["batch_id"] == batch["_id"]]
        _slots(batch, items)
        _end(batch, items)
    if world.real is None:
        for account in world.reference.accounts.accounts.values():
            assert len(account["running"]) <= 1, "more batches run than the plan allows"


async def recovers(world: World) -> None:
    """Whoever was at something dies; then nothing fails any more, and everything must come to its end."""
    for one in list(world.running):
        await world.kill(one)
    for round_number in range(ROUNDS):
        if await _is_at_rest(world):
            break
        world.now += ROUND_MS
        parts = world.schedulers[round_number % 2]
        for work in (parts.sweeper.sweep(), parts.finisher.free_gathered(), parts.dispatcher._round()):
            await world.finish(world.begin(work))
        await _render_all(world)
        state(world)
    assert await _is_at_rest(world), "it does not come to its end"
    await _announced_once(world)
    await _same_in_the_database(world)


async def _render_all(world: World) -> None:
    """A renderer that does what it should with every message."""
    parts = world.schedulers[0]
    while world.network.jobs:
        answers: list[Fence] = []
        item_id = world.network.jobs.pop()

        def granted(answer: object, answers: list[Fence] = answers) -> None:
            lease = getattr(answer, "task").lease  # noqa: B009 - an answer of any kind
            if lease.token:
                answers.append(Fence(lease.item_id, lease.attempt, lease.token))

        await world.finish(world.begin(parts.tasks.claim(item_id, "renderer"), granted))
        for fence in answers:
            await world.finish(world.begin(parts.tasks.end(fence, [], [], [], 5)))


async def _is_at_rest(world: World) -> bool:
    batches = world.reference.batches.batches.values()
    account = await world.stores.accounts.get(world.account_id)
    assert account is not None
    return not account["running"] and not any("active" in batch or "outbox" in batch for batch in batches)


async def _announced_once(world: World) -> None:
    expected = {batch["event_id"] for batch in world.reference.batches.batches.values()}
    assert set(world.network.event_ids) == expected
    if world.real is None:
        in_feed = world.reference.events.event_ids[world.account_id]
    else:
        in_feed = [event["event_id"] for event in await world.real.events.after(world.account_id, 0, 100)]
    assert sorted(in_feed) == sorted(expected)


async def _same_in_the_database(world: World) -> None:
    if world.real is None:
        return
    for batch_id, batch in world.reference.batches.batches.items():
        assert comparable(await world.real.batches.get(batch_id)) == comparable(batch)
    for item_id, item in world.reference.items.items.items():
        assert comparable(await world.real.items.get(item_id)) == comparable(item)


def _slots(batch: Document, items: list[Document]) -> None:
    slots = batch["slots"]
    assert len(slots) == len(set(slots)) == batch["in_flight"] <= batch["window"]
    assert {item["_id"] for item in items if item["state"] in _IN_FLIGHT} <= set(slots)
    assert all(item["index"] < batch["next_index"] for item in items if item["_id"] in slots)


def _end(batch: Document, items: list[Document]) -> None:
    if batch["state"] not in model.ENDED_BATCH:
        return
    by_state = {name: sum(item["state"] == name for item in items) for name in model.ENDED_ITEM}
    counts = Counts.of_states(batch["total"], by_state)
    assert counts.ended == counts.total, "it ended before its items"
    assert Counts(**batch["counts"]) == counts
    if "cancel_requested_ms" in batch:
        assert batch["state"] == model.CANCELLED, "it was cancelled, and ended otherwise"
    else:
        assert batch["state"] == model.outcome(counts)
    assert not batch["slots"]

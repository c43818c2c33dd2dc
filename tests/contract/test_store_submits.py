"""What submits ask of a MongoDB-protocol server: who waits already, which keys are taken, items by the thousand."""

from __future__ import annotations

import pytest

from services.common import ids
from services.scheduler import model
from services.scheduler.clock import DAY_MS
from services.scheduler.store.database import Database
from services.scheduler.store.fixed import APART_BYTES
from services.scheduler.store.items import Fence
from services.scheduler.stores import Stores
from tests.support.store_documents import LEASE, NOW, batch, item

WAITING, ACTIVE = (model.PENDING,), (model.PENDING, model.PROCESSING)


async def committed(stores: Stores, account: str, *, single: bool = False, started: bool = False) -> str:
    document = batch(account_id=account, single=single)
    assert await stores.batches.insert_creating(document)
    assert await stores.batches.commit(document["_id"])
    if started:
        assert await stores.batches.start(document["_id"], NOW)
    return str(document["_id"])


async def test_unfinished_batches_are_counted_by_account_state_and_kind(stores: Stores) -> None:
    for _ in range(3):
        await committed(stores, "acme")
    await committed(stores, "acme", started=True)
    await committed(stores, "acme", single=True)
    await committed(stores, "acme", single=True, started=True)
    await committed(stores, "other")
    ended = await committed(stores, "acme", started=True)
    assert await stores.batches.end(ended, model.FAILED, {})
    assert await stores.batches.insert_creating(batch(account_id="acme", single=False))

    async def unfinished(states: tuple[str, ...], limit: int, *, single: bool) -> int:
        return len(await stores.batches.unfinished("acme", states, limit, single=single))

    assert await unfinished(WAITING, 100, single=False) == 3
    assert await unfinished(ACTIVE, 100, single=False) == 4
    assert await unfinished(ACTIVE, 100, single=True) == 2
    assert await unfinished(WAITING, 2, single=False) == 2


async def test_an_idempotency_key_is_free_again_after_a_day(stores: Stores) -> None:
    assert await stores.idempotency.begin("record", b"f", "batch_1", NOW, NOW + 100) is None
    await stores.idempotency.finish("record", b"answer")
    await stores.idempotency.forget_expired(NOW + DAY_MS)
    assert await stores.idempotency.begin("record", b"f", "batch_2", NOW, NOW + 100) is not None
    await stores.idempotency.forget_expired(NOW + DAY_MS + 1)
    assert await stores.idempotency.begin("record", b"f", "batch_2", NOW, NOW + 100) is None


@pytest.mark.parametrize("length", [0, APART_BYTES, 4_000_000])
async def test_items_read_whole_however_they_are_read_or_changed(stores: Stores, length: int) -> None:
    """What an item was submitted with is stored apart from what changes; nobody else sees that."""
    stored = item("batch_x", account_id="acme", warnings=["submitted"], created_ms=NOW, data=b"x" * length)
    await stores.items.insert([stored])
    await stores.items.insert([{**stored, "data": b"of a later try of the same call"}])
    dispatched = {**stored, "state": model.DISPATCHED, "dispatch_n": 1, "dispatched_ms": NOW}
    assert await stores.items.dispatch([stored["_id"]], NOW) == 1
    assert await stores.items.get(stored["_id"]) == dispatched
    claimed = {**dispatched, **LEASE, "state": model.RENDERING, "attempt": 1}
    assert await stores.items.claim(stored["_id"], LEASE) == claimed
    result = {"warnings": ["submitted", "rendered"], "ended_ms": NOW}
    assert await stores.items.end(Fence(stored["_id"], 1, "t1"), model.SUCCEEDED, result)
    ended = {**claimed, **result, "state": model.SUCCEEDED}
    del ended["open"], ended["lease_ms"]
    assert await stores.items.get(stored["_id"]) == ended
    fixed = ("account_id", "data", "renders", "created_ms")
    assert await stores.items.live([stored["_id"]]) == [{k: v for k, v in ended.items() if k not in fixed}]
    assert await stores.items.page("batch_x", 0, 5, 1) == [ended]
    assert await stores.items.page_in_states("batch_x", [model.SUCCEEDED], 0, 0, 5) == [ended]
    assert await stores.items.in_states([stored["_id"]], []) == {stored["_id"]: ended}


async def test_large_and_small_items_are_read_together_and_deleted_together(stores: Stores, database: Database) -> None:
    mixed = [item("batch_x", index, data=b"x" * (index % 2 * 100_000)) for index in range(4)]
    await stores.items.insert([*mixed, item("batch_y", data=b"y" * 100_000)])
    assert await stores.items.page("batch_x", 0, 9, 4) == mixed
    await stores.items.delete_of("batch_x")
    assert await stores.items.page("batch_x", 0, 9, 4) == []
    assert [part["batch_id"] async for part in database.collection("fixed_parts").find({}, {"fixed": 0})] == ["batch_y"]


async def test_an_item_whose_large_part_is_deleted_is_not_there(stores: Stores, database: Database) -> None:
    """Whoever read the one as both were deleted."""
    large, small = item("batch_x", 0, data=b"x" * 100_000), item("batch_x", 1)
    await stores.items.insert([large, small])
    await database.collection("fixed_parts").delete_many({})
    assert await stores.items.get(large["_id"]) is None
    assert await stores.items.page("batch_x", 0, 9, 2) == [small]
    await stores.items.dispatch([large["_id"]], NOW)
    assert await stores.items.claim(large["_id"], LEASE) is None


async def test_cancelling_where_nothing_is_open_touches_nothing(stores: Stores) -> None:
    await stores.items.insert([item("batch_x", i) for i in range(3)])
    assert await stores.items.cancel_open("batch_y", 10, NOW) == 0
    assert await stores.items.counts("batch_x") == {model.PENDING: 3}
    assert await stores.items.cancel_open("batch_x", 2, NOW) == 2
    assert await stores.items.cancel_open("batch_x", 2, NOW) == 1
    assert await stores.items.counts("batch_x") == {model.CANCELLED: 3}
    assert [each["attempt"] for each in await stores.items.live([ids.item_id("batch_x", i) for i in range(3)])] == [
        1
    ] * 3

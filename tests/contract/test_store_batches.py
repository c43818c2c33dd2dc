"""Batches on a MongoDB-protocol server. Set PRESSLINE_MONGODB_URL to hold another one to what the stores ask."""

from __future__ import annotations

import asyncio

from services.common import ids
from services.scheduler import model
from services.scheduler.stores import Stores
from tests.support.store_documents import NOW, batch, processing


async def test_an_abandoned_creation_cannot_commit(stores: Stores) -> None:
    document = batch()
    assert await stores.batches.insert_creating(document)
    assert not await stores.batches.insert_creating(document)
    assert not await stores.batches.abandon(document["_id"], NOW)
    assert await stores.batches.adopt_creating(document["_id"], NOW + 200)
    assert not await stores.batches.abandon(document["_id"], NOW + 100)
    assert await stores.batches.abandon(document["_id"], NOW + 300)
    assert not await stores.batches.commit(document["_id"])


async def test_an_abandoned_creation_is_known_until_what_belongs_to_it_is_deleted(stores: Stores) -> None:
    document = batch()
    await stores.batches.insert_creating(document)
    assert await stores.batches.abandon(document["_id"], NOW + 300)
    # Another try of the same call neither goes on with it nor takes it for accepted; another sweep may.
    assert not await stores.batches.insert_creating(document)
    assert not await stores.batches.adopt_creating(document["_id"], NOW + 900)
    assert not await stores.batches.is_committed(document["_id"])
    assert document["_id"] in {each["_id"] for each in await stores.batches.creating()}
    assert await stores.batches.abandon(document["_id"], NOW + 300)
    await stores.batches.delete(document["_id"])
    assert await stores.batches.insert_creating(document)


async def test_slots_never_exceed_the_window_and_indexes_are_taken_once(stores: Stores) -> None:
    seen = await processing(stores)
    taken = await asyncio.gather(*(stores.batches.take(seen, 1) for _ in range(8)))
    assert sum(one is not None for one in taken) == 1
    second = next(one for one in taken if one is not None)
    full = await stores.batches.take(second, 1)
    assert full is not None
    assert (full["in_flight"], full["next_index"]) == (2, 2)
    assert await stores.batches.take(full, 1) is None
    first_item = ids.item_id(seen["_id"], 0)
    freed = await asyncio.gather(*(stores.batches.release_slots(seen["_id"], [first_item]) for _ in range(8)))
    (free,) = [one for one in freed if one is not None]
    assert (free["in_flight"], free["window"]) == (1, 2)
    after = await stores.batches.take(full | free, 9)
    assert after is not None
    assert after["slots"] == [ids.item_id(seen["_id"], 1), ids.item_id(seen["_id"], 2)]


async def test_several_are_taken_at_once_as_far_as_there_are_free_slots_and_items(stores: Stores) -> None:
    seen = await processing(stores, total=7, window=5)
    taken = await asyncio.gather(*(stores.batches.take(seen, 3) for _ in range(5)))
    (three,) = [one for one in taken if one is not None]
    assert three["slots"] == [ids.item_id(seen["_id"], index) for index in range(3)]
    full = await stores.batches.take(three, 3)
    assert full is not None
    assert (full["in_flight"], full["next_index"], len(full["slots"])) == (5, 5, 5)
    for index in range(4):
        assert await stores.batches.release_slots(seen["_id"], [ids.item_id(seen["_id"], index)]) is not None
    read = await stores.batches.get(seen["_id"])
    assert read is not None
    rest = await stores.batches.take(read, 9)
    assert rest is not None
    assert rest["slots"] == [ids.item_id(seen["_id"], index) for index in (4, 5, 6)]
    assert await stores.batches.take(rest, 9) is None


async def test_slots_are_given_back_together_or_not_at_all(stores: Stores) -> None:
    seen = await processing(stores, total=7, window=7)
    taken = await stores.batches.take(seen, 6)
    assert taken is not None
    assert taken["in_flight"] == 6
    some = [taken["slots"][index] for index in (4, 0, 2)]
    freed = await asyncio.gather(*(stores.batches.release_slots(seen["_id"], some) for _ in range(4)))
    (free,) = [one for one in freed if one is not None]
    assert (free["in_flight"], free["next_index"], free["total"]) == (3, 6, 7)
    assert await stores.batches.release_slots(seen["_id"], [taken["slots"][1], some[0]]) is None
    left = [taken["slots"][index] for index in (1, 3, 5)]
    read = await stores.batches.get(seen["_id"])
    assert read is not None
    assert (read["slots"], read["in_flight"]) == (left, 3)
    assert await stores.batches.release_slots(seen["_id"], left, passed_over=True) is not None
    read = await stores.batches.get(seen["_id"])
    assert read is not None
    assert (read["slots"], read["in_flight"], read["passed_over"]) == ([], 0, 3)


async def test_batches_that_were_rendered_are_told_from_those_that_were_cancelled(stores: Stores) -> None:
    running, done, failed, cancelled = [await processing(stores, active="1") for _ in range(4)]
    assert await stores.batches.end(done["_id"], model.COMPLETED, {})
    assert await stores.batches.end(failed["_id"], model.FAILED, {})
    assert await stores.batches.request_cancel(cancelled["_id"], NOW)
    assert await stores.batches.end(cancelled["_id"], model.CANCELLED, {})
    names = [each["_id"] for each in (running, done, failed, cancelled)]
    assert await stores.batches.rendered([*names, "batch_unknown"]) == {done["_id"], failed["_id"]}


async def test_nothing_is_taken_after_a_cancel(stores: Stores) -> None:
    seen = await processing(stores)
    asked = await asyncio.gather(*(stores.batches.request_cancel(seen["_id"], NOW) for _ in range(5)))
    assert sum(asked) == 1
    assert await stores.batches.take(seen, 1) is None


async def test_a_batch_ends_once(stores: Stores) -> None:
    seen = await processing(stores)
    ends = await asyncio.gather(
        *(
            stores.batches.end(seen["_id"], state, {"event_id": "evt_1"})
            for state in [model.COMPLETED, model.CANCELLED] * 4
        )
    )
    assert sum(ends) == 1
    ended = await stores.batches.get(seen["_id"])
    assert ended is not None
    assert ended["state"] in model.ENDED_BATCH
    assert "active" not in ended
    assert [one["_id"] for one in await stores.batches.unannounced()] == [seen["_id"]]
    await stores.batches.announced(seen["_id"])
    assert await stores.batches.unannounced() == []


async def test_an_idempotency_key_has_one_owner(stores: Stores) -> None:
    begun = await asyncio.gather(
        *(stores.idempotency.begin("record", b"f", f"batch_{i}", NOW, NOW + 100) for i in range(8))
    )
    assert sum(one is None for one in begun) == 1
    earlier = next(one for one in begun if one is not None)
    assert not await stores.idempotency.take_over(earlier, NOW + 100, NOW + 300)
    assert await stores.idempotency.take_over(earlier, NOW + 101, NOW + 300)
    await stores.idempotency.finish("record", b"answer")
    await stores.idempotency.forget("record")
    kept = await stores.idempotency.begin("record", b"f", "batch_9", NOW, NOW + 100)
    assert kept is not None
    assert kept["response"] == b"answer"
    assert not await stores.idempotency.take_over(kept, NOW + 999, NOW + 1999)


async def test_batches_expire_when_they_have_ended(stores: Stores) -> None:
    running = await processing(stores, expires_ms=NOW)
    creating = batch(expires_ms=NOW)
    await stores.batches.insert_creating(creating)
    young, old, single = [await processing(stores, expires_ms=at) for at in (NOW + 1, NOW, NOW - 1)]
    for each in (young, old, single):
        assert await stores.batches.end(each["_id"], model.COMPLETED, {})
    assert set(await stores.batches.expired(NOW, 10)) == {old["_id"], single["_id"]}
    assert len(await stores.batches.expired(NOW, 1)) == 1
    for each in (running, creating):
        assert not await stores.batches.begin_removal(each["_id"], NOW)
    assert await stores.batches.begin_removal(old["_id"], NOW)
    assert await stores.batches.begin_removal(old["_id"], NOW)
    assert await stores.batches.expired(NOW, 10) == [single["_id"]]
    assert await stores.batches.half_removed(NOW, 10) == []
    assert await stores.batches.half_removed(NOW + 1, 10) == [old["_id"]]
    await stores.batches.delete(old["_id"])
    assert await stores.batches.get(old["_id"]) is None
    assert await stores.batches.get(running["_id"]) is not None


async def test_an_end_without_an_event_is_not_to_be_announced(stores: Stores) -> None:
    silent, told = await processing(stores), await processing(stores)
    assert await stores.batches.end(silent["_id"], model.COMPLETED, {})
    assert await stores.batches.end(told["_id"], model.COMPLETED, {"event_id": "evt_1"})
    assert [each["_id"] for each in await stores.batches.unannounced()] == [told["_id"]]


async def test_tombstones_tell_whose_a_batch_was_until_they_are_forgotten(stores: Stores) -> None:
    gone = {"_id": "batch_gone", "account_id": "acme"}
    for _ in range(2):
        await stores.tombstones.put(gone, NOW, NOW + 10)
    found = await stores.tombstones.get("batch_gone")
    assert found is not None
    assert (found["account_id"], found["gone_ms"]) == ("acme", NOW)
    assert await stores.tombstones.to_recheck(NOW + 10, 5) == []
    assert [each["_id"] for each in await stores.tombstones.to_recheck(NOW + 11, 5)] == ["batch_gone"]
    await stores.tombstones.rechecked("batch_gone")
    assert await stores.tombstones.to_recheck(NOW + 11, 5) == []
    assert await stores.tombstones.older(NOW, 5) == []
    assert [each["_id"] for each in await stores.tombstones.older(NOW + 1, 5)] == ["batch_gone"]
    await stores.tombstones.delete(["batch_gone"])
    assert await stores.tombstones.get("batch_gone") is None

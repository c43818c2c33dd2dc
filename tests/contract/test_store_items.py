"""Items: claims, leases, cancelling, on a MongoDB-protocol server."""

from __future__ import annotations

import asyncio

from services.common import ids
from services.scheduler import model
from services.scheduler.store.items import Fence
from services.scheduler.stores import Stores
from tests.support.store_documents import LEASE, NOW, item


async def test_bytes_times_and_large_integers_come_back_as_they_were(stores: Stores) -> None:
    stored = item("batch_x", big=2**53 + 1, text="żółć 😀 \u2028", empty=[], nothing=None)
    await stores.items.insert([stored])
    assert await stores.items.get(stored["_id"]) == stored


async def test_inserting_items_again_keeps_the_first(stores: Stores) -> None:
    await stores.items.insert([item("batch_x", i) for i in range(3)])
    assert await stores.items.dispatch([ids.item_id("batch_x", 1)], NOW)
    await stores.items.insert([item("batch_x", i) for i in range(5)])
    states = [found["state"] for found in await stores.items.page("batch_x", 0, 10, 5)]
    assert states == [model.PENDING, model.DISPATCHED, model.PENDING, model.PENDING, model.PENDING]


async def test_one_claim_wins_and_its_fence_is_the_only_one(stores: Stores) -> None:
    stored = item("batch_x")
    await stores.items.insert([stored])
    assert await stores.items.claim(stored["_id"], LEASE) is None
    dispatched = await asyncio.gather(*(stores.items.dispatch([stored["_id"]], NOW) for _ in range(5)))
    assert sum(dispatched) == 1
    claims = await asyncio.gather(*(stores.items.claim(stored["_id"], {**LEASE, "token": f"t{i}"}) for i in range(8)))
    (won,) = [one for one in claims if one is not None]
    assert won["attempt"] == 1
    wrong = Fence(stored["_id"], 1, "guessed")
    assert not await stores.items.extend(wrong, NOW + 500)
    assert not await stores.items.end(wrong, model.SUCCEEDED, {})
    right = Fence(stored["_id"], 1, won["token"])
    assert await stores.items.extend(right, NOW + 500)
    ends = await asyncio.gather(*(stores.items.end(right, model.SUCCEEDED, {"outputs": [b"o"]}) for _ in range(5)))
    assert sum(ends) == 1
    assert not await stores.items.any_open("batch_x")


async def test_of_several_items_those_that_are_pending_are_dispatched(stores: Stores) -> None:
    stored = [item("batch_x", index) for index in range(4)]
    await stores.items.insert(stored)
    names = [each["_id"] for each in stored]
    assert await stores.items.dispatch([names[1]], NOW) == 1
    assert await stores.items.dispatch(names[:3], NOW + 1) == 2
    found = {each["_id"]: each for each in await stores.items.live(names)}
    assert [found[name]["state"] for name in names] == [*[model.DISPATCHED] * 3, model.PENDING]
    assert [found[name]["dispatch_n"] for name in names] == [1, 1, 1, 0]
    assert [found[name]["dispatched_ms"] for name in names[:3]] == [NOW + 1, NOW, NOW + 1]


async def test_a_lease_is_taken_over_only_after_its_end(stores: Stores) -> None:
    await stores.items.insert([item("batch_x")])
    item_id = ids.item_id("batch_x", 0)
    await stores.items.dispatch([item_id], NOW)
    held = await stores.items.claim(item_id, LEASE)
    assert held is not None
    new = {"token": "t2", "worker": "w2", "lease_ms": NOW + 900}
    assert await stores.items.take_over(held, NOW + 100, new) is None
    taken = await asyncio.gather(*(stores.items.take_over(held, NOW + 101, new) for _ in range(5)))
    (won,) = [one for one in taken if one is not None]
    assert (won["attempt"], won["crashes"]) == (2, 1)
    assert not await stores.items.end(Fence(item_id, 1, "t1"), model.SUCCEEDED, {})


async def test_handing_back_keeps_the_item_open(stores: Stores) -> None:
    await stores.items.insert([item("batch_x")])
    item_id = ids.item_id("batch_x", 0)
    await stores.items.dispatch([item_id], NOW)
    await stores.items.claim(item_id, LEASE)
    back = await stores.items.hand_back(Fence(item_id, 1, "t1"), NOW, crashed=True)
    assert back is not None
    assert (back["state"], back["crashes"]) == (model.DISPATCHED, 1)
    assert await stores.items.hand_back(Fence(item_id, 1, "t1"), NOW, crashed=True) is None
    again = await stores.items.ring_again(back, NOW)
    assert again is not None
    assert again["dispatch_n"] == 2
    assert await stores.items.ring_again(back, NOW) is None


async def test_some_items_are_cancelled_if_they_are_open(stores: Stores) -> None:
    await stores.items.insert([item("batch_x", i) for i in range(4)])
    done, claimed, pending, other = [ids.item_id("batch_x", i) for i in range(4)]
    await stores.items.dispatch([done, claimed, other], NOW)
    for item_id in (done, claimed):
        await stores.items.claim(item_id, LEASE)
    await stores.items.end(Fence(done, 1, "t1"), model.SUCCEEDED, {})
    await stores.items.cancel([], NOW)
    await stores.items.cancel([done, claimed, pending, "gen_unknown"], NOW)
    assert await stores.items.states("batch_x") == [model.SUCCEEDED, *[model.CANCELLED] * 2, model.DISPATCHED]
    assert not await stores.items.extend(Fence(claimed, 1, "t1"), NOW)
    assert await stores.items.dispatch([pending], NOW) == 0


async def test_cancelling_fences_open_items_and_spares_ended_ones(stores: Stores) -> None:
    await stores.items.insert([item("batch_x", i) for i in range(5)])
    done = ids.item_id("batch_x", 0)
    await stores.items.dispatch([done], NOW)
    await stores.items.claim(done, LEASE)
    await stores.items.end(Fence(done, 1, "t1"), model.SUCCEEDED, {})
    assert await stores.items.cancel_open("batch_x", 3, NOW) == 3
    assert await stores.items.cancel_open("batch_x", 3, NOW) == 1
    assert await stores.items.cancel_open("batch_x", 3, NOW) == 0
    assert await stores.items.counts("batch_x") == {model.SUCCEEDED: 1, model.CANCELLED: 4}
    assert await stores.items.states("batch_x") == [model.SUCCEEDED] + [model.CANCELLED] * 4
    cancelled = await stores.items.page_in_states("batch_x", [model.CANCELLED], 2, 1, 10)
    assert [one["index"] for one in cancelled] == [3, 4]


async def test_which_of_some_items_have_ended(stores: Stores) -> None:
    states = [model.PENDING, model.SUCCEEDED, model.FAILED, model.CANCELLED, model.RENDERING]
    await stores.items.insert([item("batch_w", index, state=state) for index, state in enumerate(states)])
    asked = [ids.item_id("batch_w", index) for index in (0, 1, 3, 4, 9)]
    assert set(await stores.items.ended_among(asked)) == {asked[1], asked[2]}

"""What the scheduler asks of a MongoDB-protocol server. Set PRESSLINE_MONGODB_URL to hold another one to it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest

from pressline.task.v1 import task_pb2
from pressline.template.v1.template_pb2 import Inspection, Variable
from services.common import ids
from services.scheduler import model
from services.scheduler.store.database import Database
from services.scheduler.store.inspections import KEPT_MS
from services.scheduler.store.items import Fence
from services.scheduler.store.templates import source_id
from services.scheduler.stores import Stores
from tests.support.servers import UrlServer

NOW = 1_000_000
LEASE = {"token": "t1", "worker": "w1", "lease_ms": NOW + 100}


@pytest.fixture
async def stores(mongodb_server: UrlServer) -> AsyncIterator[Stores]:
    database = Database(mongodb_server.url, f"test_{secrets.token_hex(6)}")
    await database.prepare()
    await database.prepare()
    yield Stores.of(database)
    await database.close()


def batch(**fields: Any) -> dict[str, Any]:
    return {
        "_id": ids.new("batch"),
        "account_id": "acme",
        "total": 3,
        "window": 2,
        "next_index": 0,
        "slots": [],
        "in_flight": 0,
        "created_ms": NOW,
        "lease_ms": NOW + 50,
        **fields,
    }


def item(batch_id: str, index: int = 0, **fields: Any) -> dict[str, Any]:
    return {
        "_id": ids.item_id(batch_id, index),
        "batch_id": batch_id,
        "index": index,
        "state": model.PENDING,
        "open": batch_id,
        "attempt": 0,
        "dispatch_n": 0,
        "crashes": 0,
        "data": bytes(range(256)),
        "renders": [b"", b"\x00\xff"],
        **fields,
    }


async def processing(stores: Stores, **fields: Any) -> dict[str, Any]:
    document = batch(**fields)
    await stores.batches.insert_creating(document)
    assert await stores.batches.commit(document["_id"])
    assert await stores.batches.start(document["_id"], NOW)
    found = await stores.batches.get(document["_id"])
    assert found is not None
    return found


async def test_bytes_times_and_large_integers_come_back_as_they_were(stores: Stores) -> None:
    stored = item("batch_x", big=2**53 + 1, text="żółć 😀 \u2028", empty=[], nothing=None)
    await stores.items.insert([stored])
    assert await stores.items.get(stored["_id"]) == stored


async def test_inserting_items_again_keeps_the_first(stores: Stores) -> None:
    await stores.items.insert([item("batch_x", i) for i in range(3)])
    assert await stores.items.dispatch(ids.item_id("batch_x", 1), NOW)
    await stores.items.insert([item("batch_x", i) for i in range(5)])
    states = [found["state"] for found in await stores.items.page("batch_x", 0, 10, 5)]
    assert states == [model.PENDING, model.DISPATCHED, model.PENDING, model.PENDING, model.PENDING]


async def test_an_abandoned_creation_cannot_commit(stores: Stores) -> None:
    document = batch()
    assert await stores.batches.insert_creating(document)
    assert not await stores.batches.insert_creating(document)
    assert not await stores.batches.abandon(document["_id"], NOW)
    assert await stores.batches.adopt_creating(document["_id"], NOW + 200)
    assert not await stores.batches.abandon(document["_id"], NOW + 100)
    assert await stores.batches.abandon(document["_id"], NOW + 300)
    assert not await stores.batches.commit(document["_id"])


async def test_slots_never_exceed_the_window_and_indexes_are_taken_once(stores: Stores) -> None:
    seen = await processing(stores)
    taken = await asyncio.gather(*(stores.batches.take_next(seen) for _ in range(8)))
    assert sum(one is not None for one in taken) == 1
    second = next(one for one in taken if one is not None)
    full = await stores.batches.take_next(second)
    assert full is not None
    assert (full["in_flight"], full["next_index"]) == (2, 2)
    assert await stores.batches.take_next(full) is None
    first_item = ids.item_id(seen["_id"], 0)
    freed = await asyncio.gather(*(stores.batches.release_slot(seen["_id"], first_item) for _ in range(8)))
    assert sum(freed) == 1
    after = await stores.batches.take_next(full)
    assert after is not None
    assert after["slots"] == [ids.item_id(seen["_id"], 1), ids.item_id(seen["_id"], 2)]


async def test_nothing_is_taken_after_a_cancel(stores: Stores) -> None:
    seen = await processing(stores)
    asked = await asyncio.gather(*(stores.batches.request_cancel(seen["_id"], NOW) for _ in range(5)))
    assert sum(asked) == 1
    assert await stores.batches.take_next(seen) is None


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


async def test_one_claim_wins_and_its_fence_is_the_only_one(stores: Stores) -> None:
    stored = item("batch_x")
    await stores.items.insert([stored])
    assert await stores.items.claim(stored["_id"], LEASE) is None
    dispatched = await asyncio.gather(*(stores.items.dispatch(stored["_id"], NOW) for _ in range(5)))
    assert sum(one is not None for one in dispatched) == 1
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


async def test_a_lease_is_taken_over_only_after_its_end(stores: Stores) -> None:
    await stores.items.insert([item("batch_x")])
    item_id = ids.item_id("batch_x", 0)
    await stores.items.dispatch(item_id, NOW)
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
    await stores.items.dispatch(item_id, NOW)
    await stores.items.claim(item_id, LEASE)
    back = await stores.items.hand_back(Fence(item_id, 1, "t1"), NOW, crashed=True)
    assert back is not None
    assert (back["state"], back["crashes"]) == (model.DISPATCHED, 1)
    assert await stores.items.hand_back(Fence(item_id, 1, "t1"), NOW, crashed=True) is None
    again = await stores.items.ring_again(back, NOW)
    assert again is not None
    assert again["dispatch_n"] == 2
    assert await stores.items.ring_again(back, NOW) is None


async def test_cancelling_fences_open_items_and_spares_ended_ones(stores: Stores) -> None:
    await stores.items.insert([item("batch_x", i) for i in range(5)])
    done = ids.item_id("batch_x", 0)
    await stores.items.dispatch(done, NOW)
    await stores.items.claim(done, LEASE)
    await stores.items.end(Fence(done, 1, "t1"), model.SUCCEEDED, {})
    assert await stores.items.cancel_open("batch_x", 3, NOW) == 3
    assert await stores.items.cancel_open("batch_x", 3, NOW) == 1
    assert await stores.items.cancel_open("batch_x", 3, NOW) == 0
    assert await stores.items.counts("batch_x") == {model.SUCCEEDED: 1, model.CANCELLED: 4}
    assert await stores.items.states("batch_x") == [model.SUCCEEDED] + [model.CANCELLED] * 4
    cancelled = await stores.items.page_in_states("batch_x", [model.CANCELLED], 2, 1, 10)
    assert [one["index"] for one in cancelled] == [3, 4]


async def test_places_are_a_set_with_a_limit(stores: Stores) -> None:
    await stores.accounts.ensure("acme", "pro", b"secret", NOW)
    wanted = [f"batch_{i}" for i in range(5)] * 2
    taken = await asyncio.gather(*(stores.accounts.take_place("acme", one, 3) for one in wanted))
    assert sum(taken) == 3
    account = await stores.accounts.get("acme")
    assert account is not None
    assert len(set(account["running"])) == account["running_count"] == 3
    for _ in range(2):
        await stores.accounts.leave_place("acme", account["running"][0])
    after = await stores.accounts.get("acme")
    assert after is not None
    assert after["running_count"] == 2
    assert await stores.accounts.take_place("acme", "batch_9", 0)


async def test_a_second_key_changes_the_plan_and_keeps_the_secret(stores: Stores) -> None:
    await stores.accounts.ensure("acme", "free", b"first", NOW)
    await stores.accounts.ensure("acme", "pro", b"second", NOW)
    account = await stores.accounts.get("acme")
    assert account is not None
    assert (account["plan"], account["webhook_secret"]) == ("pro", b"first")


async def test_requests_are_counted_exactly(stores: Stores) -> None:
    counts = await asyncio.gather(*(stores.accounts.count_request("key", 7) for _ in range(50)))
    assert sorted(counts) == list(range(1, 51))
    assert await stores.accounts.count_request("key", 8) == 1
    await stores.accounts.forget_windows(8)
    assert await stores.accounts.count_request("key", 7) == 1


def template_fields(content: bytes) -> dict[str, Any]:
    return {"content": content, "outline": content[:1], "paths": ["html"], "source_ids": [content.hex()]}


async def test_versions_of_a_template_are_kept_in_order_and_go_with_it(stores: Stores) -> None:
    template_id = ids.new("tmpl")
    first = await stores.templates.insert(template_id, "acme", template_fields(b"one\xff"), NOW)
    assert await stores.templates.insert(template_id, "acme", template_fields(b"again"), NOW + 1) == first
    assert await stores.templates.newest("acme", 0, 2) == [{key: first[key] for key in first if key != "content"}]
    writes = (stores.templates.replace("acme", template_id, template_fields(b"new %d" % i), NOW + i) for i in range(5))
    changed = [each for each in await asyncio.gather(*writes) if each is not None]
    assert sorted(each["version"] for each in changed) == [2, 3, 4, 5, 6]
    assert await stores.templates.get_version("acme", template_id, 1) == first
    for each in changed:
        assert await stores.templates.get_version("acme", template_id, each["version"]) == each
    assert await stores.templates.get_version("acme", template_id, 7) is None
    assert await stores.templates.get_version("other", template_id, 1) is None
    assert await stores.templates.replace("other", template_id, template_fields(b"theirs"), NOW) is None
    assert await stores.templates.delete("acme", template_id)
    assert await stores.templates.get_version("acme", template_id, 1) is None


async def test_the_first_inspection_of_a_source_stands_until_nobody_reads_it(stores: Stores) -> None:
    seen, late = Inspection(variables=[Variable(name="x")]), Inspection(error="late")
    for found in (seen, late):
        await stores.inspections.put("src_a", found, NOW)
    await stores.inspections.put("src_b", late, NOW)
    assert await stores.inspections.get_many(["src_a", "src_b", "src_c"], NOW) == {"src_a": seen, "src_b": late}
    assert await stores.inspections.get_many(["src_a"], NOW + KEPT_MS - 1) == {"src_a": seen}
    await stores.inspections.forget(NOW + KEPT_MS + 1)
    assert await stores.inspections.get_many(["src_a", "src_b"], NOW + KEPT_MS + 1) == {"src_a": seen}


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


async def test_deliveries_are_leased_once_and_recorded_by_the_leaser(stores: Stores) -> None:
    event = {"_id": "batch_x", "event_id": "evt_1", "account_id": "acme", "event_body": b"{}"}
    for _ in range(2):
        await stores.deliveries.insert(event, "https://example.com", NOW)
    assert await stores.deliveries.lease(10, NOW - 1, NOW) == []
    leases = await asyncio.gather(*(stores.deliveries.lease(10, NOW, NOW + 50) for _ in range(4)))
    (leased,) = [row for rows in leases for row in rows]
    pending = {"state": "pending", "attempts": [b"one"], "next_ms": NOW + 500}
    assert not await stores.deliveries.record(leased["_id"], "other", 0, pending)
    assert await stores.deliveries.record(leased["_id"], leased["token"], 0, pending)
    assert not await stores.deliveries.record(leased["_id"], leased["token"], 0, pending)
    assert await stores.deliveries.lease(10, NOW + 499, NOW + 550) == []
    (again,) = await stores.deliveries.lease(10, NOW + 500, NOW + 550)
    assert again["attempts_made"] == 1
    over = {"state": "delivered", "attempts": [b"one", b"two"], "next_ms": 0}
    assert await stores.deliveries.record(again["_id"], again["token"], 1, over)
    assert await stores.deliveries.lease(10, NOW + 9999, NOW + 99999) == []


async def test_templates_belong_to_an_account_and_count_versions(stores: Stores) -> None:
    await stores.templates.insert("tmpl_a", "acme", template_fields(b"one"), NOW)
    await stores.templates.insert("tmpl_b", "acme", template_fields(b"two"), NOW + 1)
    assert await stores.templates.get("other", "tmpl_a") is None
    assert await stores.templates.replace("other", "tmpl_a", template_fields(b"x"), NOW) is None
    changed = await stores.templates.replace("acme", "tmpl_a", template_fields(b"three"), NOW + 2)
    assert changed is not None
    assert (changed["version"], changed["content"]) == (2, b"three")
    assert [one["_id"] for one in await stores.templates.newest("acme", 0, 10)] == ["tmpl_b", "tmpl_a"]
    assert not await stores.templates.delete("other", "tmpl_a")
    assert await stores.templates.delete("acme", "tmpl_a")
    assert not await stores.templates.delete("acme", "tmpl_a")


async def test_sources_are_named_by_content_and_account(stores: Stores) -> None:
    source = task_pb2.SourceDocument(kind=task_pb2.SourceDocument.KIND_HTML, body="x" * 5_000_000)
    source.id = source_id("acme", source)
    assert source.id != source_id("other", source)
    for _ in range(2):
        await stores.sources.put("acme", source, NOW)
    assert await stores.sources.get(source.id) == source
    assert await stores.sources.get("src_unknown") is None


async def test_sources_live_as_long_as_the_last_batch_that_needs_them(stores: Stores) -> None:
    source = task_pb2.SourceDocument(id="src_x", kind=task_pb2.SourceDocument.KIND_HTML, body="x")
    for until in (NOW + 5, NOW + 9, NOW + 7):
        await stores.sources.put("acme", source, until)
    await stores.sources.forget(NOW + 9, 10)
    assert await stores.sources.get("src_x") == source
    await stores.sources.forget(NOW + 10, 10)
    assert await stores.sources.get("src_x") is None


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
    assert await stores.tombstones.older(NOW + 1, 5) == ["batch_gone"]
    await stores.tombstones.delete(["batch_gone"])
    assert await stores.tombstones.get("batch_gone") is None


async def test_deliveries_that_are_over_go_with_their_batch(stores: Stores) -> None:
    event = {"_id": "batch_gone", "event_id": "evt_1", "account_id": "acme", "event_body": b"{}"}
    for url in ("https://a", "https://b"):
        await stores.deliveries.insert(event, url, NOW)
    leased = (await stores.deliveries.lease(1, NOW, NOW + 10))[0]
    assert await stores.deliveries.record(leased["_id"], leased["token"], 0, {"state": "delivered", "attempts": []})
    await stores.deliveries.delete_ended("batch_gone")
    assert [row["state"] for row in await stores.deliveries.of_batch("batch_gone")] == ["pending"]
    await stores.deliveries.delete_of("batch_gone")
    assert await stores.deliveries.of_batch("batch_gone") == []


async def test_which_of_some_items_have_ended(stores: Stores) -> None:
    states = [model.PENDING, model.SUCCEEDED, model.FAILED, model.CANCELLED, model.RENDERING]
    await stores.items.insert([item("batch_w", index, state=state) for index, state in enumerate(states)])
    asked = [ids.item_id("batch_w", index) for index in (0, 1, 3, 4, 9)]
    assert set(await stores.items.ended_among(asked)) == {asked[1], asked[2]}

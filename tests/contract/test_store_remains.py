"""What sweeps and repairs ask of a MongoDB-protocol server; and that nothing is asked that no test here asks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_type_hints

from services.common import ids
from services.scheduler import model
from services.scheduler.store.database import SCHEMA, Database
from services.scheduler.store.items import Fence
from services.scheduler.stores import Stores
from tests.support.store_documents import LEASE, NOW, batch, item, processing

HERE = Path(__file__).parent
CALLS = {
    f"{store}.{name}"
    for store, kind in get_type_hints(Stores).items()
    for name, member in vars(kind).items()
    if not name.startswith("_") and callable(member)
}


def test_every_call_of_a_store_is_held_to_a_contract() -> None:
    written = "\n".join(path.read_text() for path in HERE.glob("test_store_*.py"))
    called = set(re.findall(r"\b(\w+\.\w+)\(", written))
    assert sorted(CALLS - called) == []


async def test_batches_are_active_from_their_commit_to_their_end_in_order_of_acceptance(stores: Stores) -> None:
    later, creating = await processing(stores, created_ms=NOW + 5), batch()
    await stores.batches.insert_creating(creating)
    earlier = batch(created_ms=NOW + 1, metadata=b"{}", renders=[b"r"])
    await stores.batches.insert_creating(earlier)
    assert not await stores.batches.is_committed(earlier["_id"])
    assert await stores.batches.commit(earlier["_id"])
    assert await stores.batches.is_committed(earlier["_id"])
    assert [each["_id"] for each in await stores.batches.active()] == [earlier["_id"], later["_id"]]
    assert not any({"metadata", "renders"} & set(each) for each in await stores.batches.active())
    assert [each["_id"] for each in await stores.batches.creating()] == [creating["_id"]]
    assert await stores.batches.end(earlier["_id"], model.FAILED, {})
    assert [each["_id"] for each in await stores.batches.active()] == [later["_id"]]
    assert await stores.batches.is_committed(earlier["_id"])
    assert not await stores.batches.is_committed("batch_unknown")


async def test_a_batch_that_was_cancelled_ends_as_nothing_else_and_keeps_no_slot(stores: Stores) -> None:
    seen = await processing(stores)
    assert await stores.batches.take(seen, 1) is not None
    assert await stores.batches.request_cancel(seen["_id"], NOW)
    assert not await stores.batches.end(seen["_id"], model.COMPLETED, {"event_id": "evt_1"})
    assert await stores.batches.end(seen["_id"], model.CANCELLED, {"event_id": "evt_2"})
    ended = await stores.batches.get(seen["_id"])
    assert ended is not None
    assert (ended["state"], ended["event_id"], ended["slots"], ended["in_flight"]) == ("cancelled", "evt_2", [], 0)
    assert await stores.batches.release_slots(seen["_id"], [ids.item_id(seen["_id"], 0)]) is None


async def test_an_item_is_given_up_as_it_was_read_or_not_at_all(stores: Stores) -> None:
    await stores.items.insert([item("batch_x", 0), item("batch_x", 1), item("batch_y", 0)])
    held, waiting = ids.item_id("batch_x", 0), ids.item_id("batch_x", 1)
    for each in (held, waiting):
        await stores.items.dispatch([each], NOW)
    seen = await stores.items.claim(held, LEASE)
    assert seen is not None
    assert await stores.items.extend(Fence(held, 1, "t1"), NOW + 900)
    assert not await stores.items.fail_unclaimed(seen, {"errors": [b"e"]})
    for each in (held, waiting):
        read = await stores.items.get(each)
        assert read is not None
        assert await stores.items.fail_unclaimed(read, {"errors": [b"e"]})
        assert not await stores.items.fail_unclaimed({**read, "state": model.FAILED}, {"errors": []})
    assert not await stores.items.any_open("batch_x")
    await stores.items.delete_of("batch_x")
    assert await stores.items.counts("batch_x") == {}
    assert await stores.items.counts("batch_y") == {model.PENDING: 1}


async def test_an_item_that_was_lost_too_often_is_claimed_no_more(stores: Stores) -> None:
    lost = item("batch_x", state=model.DISPATCHED, crashes=model.MAX_CRASHES)
    tried = item("batch_x", 1, state=model.DISPATCHED, attempt=model.MAX_ATTEMPTS)
    await stores.items.insert([lost, tried])
    for each in (lost, tried):
        assert await stores.items.claim(each["_id"], LEASE) is None


async def test_accounts_with_running_batches(stores: Stores) -> None:
    for name in ("idle", "busy"):
        await stores.accounts.ensure(name, "free", b"s", NOW)
    assert await stores.accounts.take_place("busy", "batch_1", 0)
    assert [(each["_id"], each["running"]) for each in await stores.accounts.with_running()] == [("busy", ["batch_1"])]
    await stores.accounts.leave_place("busy", "batch_1")
    assert await stores.accounts.with_running() == []


async def test_plan_and_egress_are_set_for_one_account(stores: Stores) -> None:
    for name in ("one", "other"):
        await stores.accounts.ensure(name, "free", b"s", NOW)
    await stores.accounts.set_plan("one", "pro")
    await stores.accounts.set_egress("one", {"egress": b"policy"})
    found = [account for name in ("one", "other") if (account := await stores.accounts.get(name))]
    assert [(account["plan"], account.get("egress")) for account in found] == [("pro", b"policy"), ("free", None)]


async def test_a_key_that_was_let_go_is_taken_over_at_once_unless_it_was_answered(stores: Stores) -> None:
    records = stores.idempotency
    for name in ("broken", "answered"):
        assert await records.begin(name, b"f", "batch_1", NOW, NOW + 1_000) is None
    await records.finish("answered", b"response")
    for name, goes_on in (("broken", True), ("answered", False)):
        await stores.idempotency.let_go(name)
        record = await records.begin(name, b"f", "batch_2", NOW, NOW + 1_000)
        assert record is not None
        assert await records.take_over(record, NOW, NOW + 2_000) is goes_on


async def test_the_url_decides_whether_writes_are_retried() -> None:
    """A mongod that is no replica set refuses every write that could be."""
    for options, retried in (("", True), ("?retryWrites=false", False)):
        unused = Database(f"mongodb://127.0.0.1:9/{options}", "unused")
        assert unused._client.options.retry_writes is retried
        assert unused._client.options.retry_reads
        await unused.close()


async def test_another_layout_of_the_documents_is_noticed(stores: Stores, database: Database) -> None:
    await stores.accounts.ensure("acme", "free", b"s", NOW)
    assert await database.other_layout() is None
    await database.collection("accounts").update_one({"_id": "acme"}, {"$set": {"schema": SCHEMA - 1}})
    assert await database.other_layout() == SCHEMA - 1

"""Webhook deliveries on a MongoDB-protocol server."""

from __future__ import annotations

import asyncio

from services.scheduler.receivers import Room
from services.scheduler.store.database import Database
from services.scheduler.stores import Stores
from tests.support.store_documents import NOW


async def test_deliveries_are_leased_once_and_recorded_by_the_leaser(stores: Stores) -> None:
    event = {"_id": "batch_x", "event_id": "evt_1", "account_id": "acme", "event_body": b"{}"}
    for _ in range(2):
        await stores.deliveries.insert(event, "https://example.com", NOW)
    assert await stores.deliveries.lease(10, NOW - 1, NOW, Room()) == []
    leases = await asyncio.gather(*(stores.deliveries.lease(10, NOW, NOW + 50, Room()) for _ in range(4)))
    (leased,) = [row for rows in leases for row in rows]
    pending = {"state": "pending", "attempts": [b"one"], "next_ms": NOW + 500}
    assert not await stores.deliveries.record(leased["_id"], "other", 0, pending)
    assert await stores.deliveries.record(leased["_id"], leased["token"], 0, pending)
    assert not await stores.deliveries.record(leased["_id"], leased["token"], 0, pending)
    assert await stores.deliveries.lease(10, NOW + 499, NOW + 550, Room()) == []
    (again,) = await stores.deliveries.lease(10, NOW + 500, NOW + 550, Room())
    assert again["attempts_made"] == 1
    over = {"state": "delivered", "attempts": [b"one", b"two"], "next_ms": 0}
    assert await stores.deliveries.record(again["_id"], again["token"], 1, over)
    assert await stores.deliveries.lease(10, NOW + 9999, NOW + 99999, Room()) == []


async def test_deliveries_that_are_over_go_with_their_batch(stores: Stores) -> None:
    event = {"_id": "batch_gone", "event_id": "evt_1", "account_id": "acme", "event_body": b"{}"}
    for url in ("https://a", "https://b"):
        await stores.deliveries.insert(event, url, NOW)
    leased = (await stores.deliveries.lease(1, NOW, NOW + 10, Room()))[0]
    assert await stores.deliveries.record(leased["_id"], leased["token"], 0, {"state": "delivered", "attempts": []})
    await stores.deliveries.delete_ended("batch_gone")
    assert [row["state"] for row in await stores.deliveries.of_batch("batch_gone")] == ["pending"]
    await stores.deliveries.delete_of("batch_gone")
    assert await stores.deliveries.of_batch("batch_gone") == []


async def test_deliveries_are_sent_again_with_their_history(stores: Stores) -> None:
    event = {"_id": "batch_x", "event_id": "evt_1", "account_id": "acme", "event_body": b"{}"}
    await stores.deliveries.insert(event, "https://example.com", NOW)
    await stores.deliveries.insert(event, "https://example.com", NOW, "sub_1")
    (first, second) = await stores.deliveries.lease(10, NOW, NOW + 50, Room())
    assert not await stores.deliveries.resend("dlv_unknown", "acme", NOW)
    over = {"state": "dead", "attempts": [b"one"], "next_ms": 0}
    assert await stores.deliveries.record(first["_id"], first["token"], 0, over)
    assert not await stores.deliveries.resend(first["_id"], "other", NOW)
    assert await stores.deliveries.resend(first["_id"], "acme", NOW + 1)
    # What the lease before still has to say does not count any more.
    assert not await stores.deliveries.record(first["_id"], first["token"], 0, over)
    (again,) = await stores.deliveries.lease(10, NOW + 1, NOW + 9, Room())
    assert (again["_id"], again["attempts"], again["attempts_made"]) == (first["_id"], [b"one"], 0)
    await stores.deliveries.drop(second)
    dropped = await stores.deliveries.get(second["_id"])
    assert dropped is not None
    assert (dropped["state"], "due" in dropped) == ("disabled", False)
    assert not await stores.deliveries.resend(second["_id"], "acme", NOW)


async def test_a_waiting_delivery_is_sent_before_its_time(stores: Stores) -> None:
    event = {"_id": "batch_x", "event_id": "evt_1", "account_id": "acme", "event_body": b"{}"}
    await stores.deliveries.insert(event, "https://example.com", NOW + 500)
    (waiting,) = await stores.deliveries.of_batch("batch_x")
    assert await stores.deliveries.lease(10, NOW, NOW + 1, Room()) == []
    assert await stores.deliveries.resend(waiting["_id"], "acme", NOW)
    assert len(await stores.deliveries.lease(10, NOW, NOW + 1, Room())) == 1


async def test_full_receivers_are_left_out_and_hide_nobody(stores: Stores) -> None:
    for number in range(30):
        event = {"_id": "batch_x", "event_id": f"evt_{number}", "account_id": "acme", "event_body": b"{}"}
        url = "https://b.example:8443/hook" if number > 25 else f"https://a.example/{number}"
        await stores.deliveries.insert(event, url, NOW + number)
    first = await stores.deliveries.lease(10, NOW + 99, NOW + 200, Room(2))
    assert [row["receiver"] for row in first] == ["a.example:443"] * 2 + ["b.example:8443"] * 2
    held = {"a.example:443": 2, "b.example:8443": 1}
    second = await stores.deliveries.lease(10, NOW + 99, NOW + 200, Room(2, held))
    assert [row["receiver"] for row in second] == ["b.example:8443"]
    rest = await stores.deliveries.lease(100, NOW + 99, NOW + 200, Room())
    assert len(rest) == 30 - len(first) - len(second)


async def test_a_delivery_stored_without_its_receiver_is_leased_as_well(stores: Stores, database: Database) -> None:
    for number in range(3):
        event = {"_id": "batch_x", "event_id": f"evt_{number}", "account_id": "acme", "event_body": b"{}"}
        await stores.deliveries.insert(event, "https://a.example/", NOW)
    await database.collection("deliveries").update_many({}, {"$unset": {"receiver": ""}})
    assert len(await stores.deliveries.lease(10, NOW, NOW + 50, Room(2))) == 2
    assert len(await stores.deliveries.lease(10, NOW, NOW + 50, Room(2))) == 1

"""Feeds, subscriptions and lists of batches: what they ask of a MongoDB-protocol server."""

from __future__ import annotations

import asyncio
from typing import Any

from services.scheduler import model
from services.scheduler.store.batches import order_of
from services.scheduler.store.database import FLAG, Database
from services.scheduler.store.subscriptions import LIMIT
from services.scheduler.stores import Stores

NOW = 1_000_000


async def append(stores: Stores, number: int, account: str = "acme") -> int:
    content = {"type": "batch.completed", "body": b"{}", "created_ms": NOW + number}
    return await stores.events.append(account, f"evt_{account}_{number}", content)


async def sequences(stores: Stores, after: int, limit: int) -> list[int]:
    return [event["sequence"] for event in await stores.events.after("acme", after, limit)]


async def test_events_at_once_get_one_sequence_each_without_gaps(stores: Stores, database: Database) -> None:
    another_process = Stores.of(database)
    writers = [stores if number % 2 else another_process for number in range(40)]
    given = await asyncio.gather(*(append(writer, number) for number, writer in enumerate(writers)))
    assert sorted(given) == list(range(1, 41))
    assert await append(stores, 0, "other") == 1
    assert await stores.events.last("acme") == 40


async def test_an_event_written_again_keeps_its_sequence(stores: Stores, database: Database) -> None:
    await append(stores, 1)
    another_process = Stores.of(database)
    same = await asyncio.gather(*(append(writer, 2) for writer in [stores, another_process] * 5))
    assert set(same) == {2}
    await append(stores, 3)
    assert await append(stores, 2) == 2
    assert await sequences(stores, 0, 100) == [1, 2, 3]


async def test_pages_follow_a_sequence_and_skip_what_is_deleted(stores: Stores) -> None:
    for number in range(1, 8):
        await append(stores, number)
    assert await sequences(stores, 0, 3) == [1, 2, 3]
    assert await sequences(stores, 3, 3) == [4, 5, 6]
    assert await sequences(stores, 7, 3) == []
    await stores.events.forget(NOW + 5, 3)
    assert await sequences(stores, 0, 2) == [4, 5]
    await stores.events.forget(NOW + 6, 100)
    assert await sequences(stores, 0, 2) == [6, 7]
    await stores.events.forget(NOW + 99, 100)
    assert await sequences(stores, 0, 2) == []
    assert await append(stores, 8) == 8


def subscription(number: int) -> dict[str, Any]:
    return {
        "subscription_id": f"sub_{number}",
        "url": "https://example.com",
        "events": ["batch.completed"],
        "disabled": False,
        "secret": b"\x00\xff",
        "created_ms": NOW + number,
    }


async def test_an_account_has_a_bounded_number_of_subscriptions(stores: Stores) -> None:
    made = await asyncio.gather(*(stores.subscriptions.insert("acme", subscription(n)) for n in range(LIMIT + 5)))
    assert sum(made) == LIMIT
    listed = await stores.subscriptions.of_account("acme")
    assert len({row["subscription_id"] for row in listed}) == LIMIT
    assert [row["created_ms"] for row in listed] == sorted(row["created_ms"] for row in listed)
    assert listed[0]["events"] == ["batch.completed"]
    gone = listed[3]["subscription_id"]
    assert not await stores.subscriptions.delete("other", gone)
    assert await stores.subscriptions.delete("acme", gone)
    assert not await stores.subscriptions.delete("acme", gone)
    assert await stores.subscriptions.get("acme", gone) is None
    assert not await stores.subscriptions.disable("acme", gone)
    assert await stores.subscriptions.insert("acme", subscription(99))
    assert await stores.subscriptions.insert("other", subscription(1))


async def test_disabling_one_leaves_the_others(stores: Stores) -> None:
    for number in range(3):
        await stores.subscriptions.insert("acme", subscription(number))
    assert await stores.subscriptions.disable("acme", "sub_1")
    assert [row["disabled"] for row in await stores.subscriptions.of_account("acme")] == [False, True, False]


async def add_batch(database: Database, name: str, created: int, state: str, **fields: Any) -> None:
    document = {"_id": name, "account_id": "acme", "created_ms": created, "state": state, "single": False, **fields}
    order = order_of(document["account_id"], (created, name))
    await database.collection("batches").insert_one({**document, "order": order})


async def ids_of(stores: Stores, *states: str, after: tuple[int, str] | None = None, limit: int = 100) -> list[str]:
    return [batch["_id"] for batch in await stores.batches.newest("acme", states, after, limit)]


async def test_batches_are_listed_newest_first_as_their_owner_sees_them(stores: Stores, database: Database) -> None:
    await add_batch(database, "batch_a", NOW, model.COMPLETED)
    await add_batch(database, "batch_b", NOW + 1, model.PROCESSING, active=FLAG)
    await add_batch(database, "batch_c", NOW + 1, model.PENDING, active=FLAG)
    await add_batch(database, "batch_d", NOW + 2, model.PROCESSING, active=FLAG, cancel_requested_ms=NOW)
    await add_batch(database, "batch_e", NOW + 3, model.CREATING, creating=FLAG)
    await add_batch(database, "batch_f", NOW + 4, model.COMPLETED, single=True)
    await add_batch(database, "batch_g", NOW + 5, model.COMPLETED, account_id="other")
    await add_batch(database, "batch_h", NOW + 6, model.COMPLETED, cancel_requested_ms=NOW)
    assert await ids_of(stores) == ["batch_h", "batch_d", "batch_b", "batch_c", "batch_a"]
    assert await ids_of(stores, limit=2) == ["batch_h", "batch_d"]
    assert await ids_of(stores, after=(NOW + 2, "batch_d"), limit=1) == ["batch_b"]
    assert await ids_of(stores, after=(NOW + 1, "batch_b")) == ["batch_c", "batch_a"]
    assert await ids_of(stores, model.PROCESSING) == ["batch_b"]
    assert await ids_of(stores, model.PENDING) == ["batch_c"]
    assert await ids_of(stores, model.CANCELLED) == ["batch_d"]
    assert await ids_of(stores, model.COMPLETED, model.CANCELLED) == ["batch_h", "batch_d", "batch_a"]
    assert await ids_of(stores, model.COMPLETED, after=(NOW + 2, "batch_d")) == ["batch_a"]

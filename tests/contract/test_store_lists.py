"""Lists over all batches and what retries read: what they ask of a MongoDB-protocol server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from services.scheduler import model
from services.scheduler.stores import Stores
from tests.support.databases import fresh_database
from tests.support.servers import UrlServer

NOW = 1_000_000


@pytest.fixture
async def stores(mongodb_server: UrlServer) -> AsyncIterator[Stores]:
    async with fresh_database(mongodb_server) as database:
        yield Stores.of(database)


async def add(stores: Stores, name: str, created: int, account: str = "acme", **fields: Any) -> None:
    document = {"_id": name, "account_id": account, "created_ms": created, "lease_ms": NOW, "single": False}
    assert await stores.batches.insert_creating({**document, **fields})


async def all_of(stores: Stores, since: tuple[int, str] | None = None, limit: int = 100) -> list[str]:
    return [batch["_id"] for batch in await stores.batches.all_newest("acme", since, limit)]


async def test_all_batches_of_an_account_newest_first(stores: Stores) -> None:
    await add(stores, "batch_b", NOW)
    await add(stores, "batch_a", NOW)
    await add(stores, "batch_c", NOW + 1, single=True)
    # Neighbours in the index: names that begin alike, or sort just beside it.
    for number, account in enumerate(("acm", "acme-", "acme2", "acmf", "ACME")):
        await add(stores, f"batch_{number}", NOW + 5, account)
    await add(stores, "batch_d", NOW + 10**9)
    assert await all_of(stores) == ["batch_d", "batch_c", "batch_a", "batch_b"]
    assert await all_of(stores, limit=2) == ["batch_d", "batch_c"]
    assert await all_of(stores, (NOW + 1, "batch_c")) == ["batch_c", "batch_a", "batch_b"]
    # A batch that has gone is no obstacle.
    assert await all_of(stores, (NOW, "batch_aa")) == ["batch_b"]


async def test_retries_of_batches(stores: Stores) -> None:
    await add(stores, "batch_old", NOW)
    for number in range(4):
        await add(stores, f"batch_{number}", NOW + number, retry_of="batch_old")
    await add(stores, "batch_x", NOW + 9, retry_of="batch_other")
    # One is not accepted yet, and one is being deleted.
    for number in range(3):
        assert await stores.batches.commit(f"batch_{number}")
    assert await stores.batches.end("batch_1", model.FAILED, {})
    assert await stores.batches.begin_removal("batch_1", NOW)
    found = await stores.batches.retries(["batch_old", "batch_2"], 10)
    assert [(batch["_id"], batch["retry_of"]) for batch in found] == [
        ("batch_2", "batch_old"),
        ("batch_0", "batch_old"),
    ]
    assert len(await stores.batches.retries(["batch_old"], 1)) == 1


async def test_items_by_id_and_state(stores: Stores) -> None:
    states = [model.FAILED, model.SUCCEEDED, model.CANCELLED, model.PENDING]
    await stores.items.insert([{"_id": f"gen_{i}", "batch_id": "b", "state": state} for i, state in enumerate(states)])
    named = ["gen_3", "gen_0", "gen_2", "gen_unknown"]
    assert set(await stores.items.in_states(named, [])) == {"gen_0", "gen_2", "gen_3"}
    assert set(await stores.items.in_states(named, [model.FAILED, model.SUCCEEDED])) == {"gen_0"}
    assert await stores.items.in_states([], [model.FAILED]) == {}


async def test_what_a_batch_was_asked_for_is_kept_as_it_was_first(stores: Stores) -> None:
    spec = batch_pb2.BatchSpec(source=batch_pb2.Source(html="<p>ż</p>\x01"), concurrency=3)
    assert await stores.requests.get("batch_a") is None
    await stores.requests.put("batch_a", spec)
    await stores.requests.put("batch_a", batch_pb2.BatchSpec())
    assert await stores.requests.get("batch_a") == spec
    await stores.requests.delete("batch_a")
    assert await stores.requests.get("batch_a") is None


async def test_sources_by_id(stores: Stores) -> None:
    sources = [task_pb2.SourceDocument(id=f"src_{i}", body="x" * i) for i in range(3)]
    for source in sources:
        await stores.sources.put("acme", {source.id: source}, NOW)
    found = await stores.sources.get_many(["src_2", "src_0", "src_unknown"])
    assert found == {"src_0": sources[0], "src_2": sources[2]}

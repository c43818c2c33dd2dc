"""Documents as the stores keep them."""

from __future__ import annotations

from typing import Any

from services.common import ids
from services.scheduler import model
from services.scheduler.stores import Stores

NOW = 1_000_000


LEASE = {"token": "t1", "worker": "w1", "lease_ms": NOW + 100}


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

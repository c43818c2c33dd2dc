"""What claims ask of a batch is read now and then, not for every item."""

from __future__ import annotations

import pytest

from services.scheduler import recent
from services.scheduler.recent import RecentBatches
from services.scheduler.store.batches import Batches
from services.scheduler.store.database import Database
from tests.support.scheduler import Client


async def test_a_batch_is_read_again_after_a_while(
    client: Client, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = (await client.submit(2)).batch.id
    batches = RecentBatches(Batches(database))
    monkeypatch.setattr(recent, "FRESH_SECONDS", 600)
    assert "cancel_requested_ms" not in (await batches.get(batch_id) or {})
    await Batches(database).request_cancel(batch_id, 1)
    assert "cancel_requested_ms" not in (await batches.get(batch_id) or {})
    monkeypatch.setattr(recent, "FRESH_SECONDS", 0)
    assert "cancel_requested_ms" in (await batches.get(batch_id) or {})


async def test_few_batches_are_remembered_and_none_that_is_not_there(
    client: Client, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "FRESH_SECONDS", 600)
    monkeypatch.setattr(recent, "REMEMBERED_BATCHES", 1)
    first, second = [(await client.submit(1)).batch.id for _ in range(2)]
    batches = RecentBatches(Batches(database))
    assert await batches.get("batch_unknown") is None
    for batch_id in (first, second):
        assert await batches.get(batch_id) is not None
    # Only the second is still known as it was.
    await Batches(database).request_cancel(first, 1)
    await Batches(database).request_cancel(second, 1)
    assert "cancel_requested_ms" not in (await batches.get(second) or {})
    assert "cancel_requested_ms" in (await batches.get(first) or {})

"""What claims ask of a batch is read once, and of batches with passwords every time."""

from __future__ import annotations

import pytest

from pressline.batch.v1.batch_pb2 import FORMAT_PDF, OutputSpec, PdfEncryption, PdfOptions
from services.scheduler import accepted
from services.scheduler.accepted import AcceptedBatches
from services.scheduler.store.batches import Batches
from services.scheduler.store.database import Database
from tests.support.scheduler import Client

LOCKED = OutputSpec(format=FORMAT_PDF, pdf=PdfOptions(encryption=PdfEncryption(user_password="open sesame")))


@pytest.fixture
def batches(database: Database) -> AcceptedBatches:
    return AcceptedBatches(Batches(database))


async def cancelled(database: Database, *batch_ids: str) -> None:
    for batch_id in batch_ids:
        assert await Batches(database).request_cancel(batch_id, 1)


async def test_the_last_ones_are_remembered(
    client: Client, database: Database, batches: AcceptedBatches, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accepted, "REMEMBERED_BATCHES", 2)
    first, second, third = [(await client.submit(1)).batch.id for _ in range(3)]
    for batch_id in (first, second, first, third):
        found = await batches.get(batch_id)
        assert found is not None
        assert found["_id"] == batch_id
    await cancelled(database, first, second, third)
    assert [await batches.get(batch_id) is not None for batch_id in (first, second, third)] == [True, False, True]


async def test_there_is_none_of_an_unknown_id(batches: AcceptedBatches) -> None:
    assert await batches.get("batch_unknown") is None


async def test_keys_of_passwords_are_not_remembered(
    client: Client, database: Database, batches: AcceptedBatches
) -> None:
    batch_id = (await client.submit(1, output=LOCKED)).batch.id
    found = await batches.get(batch_id)
    assert found is not None
    assert "password_key" in found
    await cancelled(database, batch_id)
    assert await batches.get(batch_id) is None

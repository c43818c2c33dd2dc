"""What breaks off between two steps of the scheduler and is easily counted as something else."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from pymongo.errors import PyMongoError

from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from services.scheduler import intake
from services.scheduler.store.batches import Batches
from services.scheduler.store.database import Database
from services.scheduler.store.items import Items
from tests.support.scheduler import Client

TOKEN = "of-the-first-claim"


async def claim(client: Client, item_id: str, token: str) -> task_pb2.ClaimTaskResponse:
    """The answer to a claim, once the item is dispatched."""
    request = task_pb2.ClaimTaskRequest(item_id=item_id, worker="by hand", token=token)
    async with asyncio.timeout(60):
        while (await client.items(item_id_batch(item_id)))[0].state == batch_pb2.ITEM_STATE_PENDING:
            await asyncio.sleep(0.05)
    return await client.tasks.ClaimTask(request)


def item_id_batch(item_id: str) -> str:
    return f"batch_{item_id.removeprefix('gen_')[:-5]}"


async def test_a_claim_whose_answer_was_lost_is_answered_again_and_is_no_crash(client: Client) -> None:
    created = await client.submit(1)
    item_id = created.item_ids[0]
    first = await claim(client, item_id, TOKEN)
    assert first.task.lease.token == TOKEN
    again = await claim(client, item_id, TOKEN)
    assert again == first
    assert (await claim(client, item_id, "of-another")).WhichOneof("outcome") == "leased_elsewhere"
    await client.tasks.CompleteTask(task_pb2.CompleteTaskRequest(lease=again.task.lease))
    await client.until_ended(created.batch.id)
    assert [(item.attempts, item.crashes) for item in await client.items(created.batch.id)] == [(1, 0)]
    assert (await claim(client, item_id, TOKEN)).WhichOneof("outcome") == "nothing_to_do"


@pytest.mark.parametrize(("store", "step"), [(Items, "delete_of"), (Batches, "delete")])
async def test_a_creation_that_is_half_cleared_away_is_cleared_by_the_next_sweep(
    client: Client, database: Database, monkeypatch: pytest.MonkeyPatch, store: type, step: str
) -> None:
    monkeypatch.setattr(intake, "CREATE_LEASE_MS", 0)
    broken = {"commit": break_once(monkeypatch, Batches, "commit"), step: break_once(monkeypatch, store, step)}
    with pytest.raises(grpc.aio.AioRpcError):
        await client.submit(3)
    async with asyncio.timeout(60):
        while not all(broken.values()) or await left(database):
            await asyncio.sleep(0.05)


def break_once(monkeypatch: pytest.MonkeyPatch, store: type, step: str) -> list[bool]:
    """Let a step of a store fail the first time; not empty once it has."""
    whole = getattr(store, step)
    broken: list[bool] = []

    async def breaking(*arguments: Any) -> Any:
        if not broken:
            broken.append(True)
            raise PyMongoError("gone")
        return await whole(*arguments)

    monkeypatch.setattr(store, step, breaking)
    return broken


async def left(database: Database) -> int:
    """Documents of batches."""
    return sum([await database.collection(name).count_documents({}) for name in ("batches", "items", "requests")])

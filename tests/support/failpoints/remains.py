"""What must not be left of anything once all has ended: looked for in the database and the queue."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import nats

from services.common.bus import JOBS_STREAM
from services.scheduler.store.database import Database

QUIET_SECONDS = 120
# Present on a document only while something is still to be done with it.
_OPEN = {
    "batches": ("active", "creating", "outbox", "removing_ms"),
    "items": ("open",),
    "ledger": ("held", "moving"),
    "deliveries": ("due",),
    "archives": ("open",),
}
_OF_BATCHES = ("items", "fixed_parts", "requests", "archives")


async def problems_left(database: Database, nats_url: str) -> list[str]:
    """What is still open when nothing moves any more, in words; nothing, if all is as it should be."""
    deadline = time.monotonic() + QUIET_SECONDS
    while True:
        problems = [problem async for problem in _problems(database, nats_url)]
        if not problems or time.monotonic() > deadline:
            return problems
        await asyncio.sleep(0.5)


async def orphans(database: Database, batch_id: str) -> int:
    """Items and requests of a batch, and the batch itself."""
    batches = await database.collection("batches").count_documents({"_id": batch_id})
    items = await database.collection("items").count_documents({"batch_id": batch_id})
    return batches + items + await database.collection("requests").count_documents({"_id": batch_id})


async def _problems(database: Database, nats_url: str) -> AsyncIterator[str]:
    for name, fields in _OPEN.items():
        for field in fields:
            for row in await database.collection(name).find({field: {"$exists": True}}, {"_id": 1}).to_list(None):
                yield f"{name}: {row['_id']} has {field}"
    async for problem in _belongings(database):
        yield problem
    for account in await database.collection("accounts").find({}).to_list(None):
        if account["running"]:
            yield f"accounts: {account['_id']} has places taken by {account['running']}"
    async for problem in _totals(database):
        yield problem
    async for problem in _feeds(database):
        yield problem
    if stranded := await _messages(nats_url):
        yield f"queue: {stranded} messages"


async def _belongings(database: Database) -> AsyncIterator[str]:
    batches = await database.collection("batches").find({}, {"slots": 1}).to_list(None)
    for batch in batches:
        if batch["slots"]:
            yield f"batches: {batch['_id']} has slots taken by {batch['slots']}"
    known = {batch["_id"] for batch in batches}
    for name in _OF_BATCHES:
        rows = await database.collection(name).find({}, {"batch_id": 1}).to_list(None)
        for owner in {row.get("batch_id", row["_id"]) for row in rows} - known:
            yield f"{name}: of {owner}, which is not there"


async def _totals(database: Database) -> AsyncIterator[str]:
    rows = await database.collection("ledger").find({}).to_list(None)
    for total in await database.collection("usage").find({}).to_list(None):
        used = sum(row["used" if "used" in row else "reserved"] for row in rows if row["period"] == total["_id"])
        if (total["total"], total["reserved"]) != (used, 0):
            yield f"usage: {total['_id']} is {total['total']} with {total['reserved']} reserved, its rows say {used}"


async def _feeds(database: Database) -> AsyncIterator[str]:
    for head in await database.collection("event_heads").find({}).to_list(None):
        events = await database.collection("events").find({"account_id": head["_id"]}, {"sequence": 1}).to_list(None)
        if sorted(event["sequence"] for event in events) != list(range(1, head["last"] + 1)):
            yield f"events: {len(events)} in the feed of {head['_id']}, which counts {head['last']}"


async def _messages(nats_url: str) -> int:
    connection = await nats.connect(nats_url)
    try:
        return int((await connection.jetstream().stream_info(JOBS_STREAM)).state.messages)
    finally:
        await connection.close()

"""Passwords of encrypted PDFs: renderers get them, nobody else ever sees them, and they go with what they are for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import bson
import grpc
import pytest
from pymongo import AsyncMongoClient

from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from services.common.rpc_errors import from_rpc_error
from services.scheduler.settings import SchedulerSettings
from tests.support.scheduler import HTML, Client, ReportingRenderer
from tests.support.servers import UrlServer

OPENS, OWNS, OTHER = "opens-it-wörd", "owns-it-word", "of-one-item-word"
SPEC = batch_pb2.BatchSpec(
    dialect=batch_pb2.DIALECT_NATIVE,
    source=HTML,
    output=batch_pb2.OutputSpec(
        format=batch_pb2.FORMAT_PDF,
        pdf=batch_pb2.PdfOptions(encryption=batch_pb2.PdfEncryption(user_password=OPENS, owner_password=OWNS)),
    ),
)
OWN = batch_pb2.OutputSpec(
    format=batch_pb2.FORMAT_PDF,
    pdf=batch_pb2.PdfOptions(encryption=batch_pb2.PdfEncryption(user_password=OTHER, forbid_print=True)),
)
ROWS = [
    batch_pb2.ItemSpec(data_json=b'{"name": "a"}'),
    batch_pb2.ItemSpec(data_json=b'{"name": "b"}', output=OWN),
    batch_pb2.ItemSpec(data_json=b'{"name": "c"}', output=OWN),
]


async def stored(settings: SchedulerSettings) -> dict[str, list[dict[str, Any]]]:
    """Everything in the database."""
    async with AsyncMongoClient[dict[str, Any]](settings.mongodb_url) as connection:
        database = connection[settings.mongodb_database]
        names = await database.list_collection_names()
        return {name: await database[name].find({}).to_list(None) for name in names}


def holds_a_password(collections: dict[str, list[dict[str, Any]]]) -> bool:
    found = b"".join(bson.encode(document) for documents in collections.values() for document in documents)
    assert b'"name": "a"' in found
    return any(password.encode() in found for password in (OPENS, OWNS, OTHER))


async def told(
    client: Client, nats_url: str, batch_id: str, errors: list[batch_pb2.ItemError]
) -> dict[int, batch_pb2.PdfEncryption]:
    """What renderers are told of each item; they report the errors."""
    seen: dict[int, batch_pb2.PdfEncryption] = {}

    async def see(task: task_pb2.Task) -> list[batch_pb2.ItemError]:
        seen[int(task.lease.item_id[-5:])] = task.renders[0].output.pdf.encryption
        return errors

    async with ReportingRenderer(client, nats_url, see).running():
        await client.until_ended(batch_id)
    return seen


async def test_renderers_are_told_and_the_database_is_not(
    client: Client, settings: SchedulerSettings, nats_server: UrlServer
) -> None:
    batch_id = (await client.submit_items(SPEC, ROWS)).batch.id
    collections = await stored(settings)
    assert not holds_a_password(collections)
    assert [("password_key" in batch) for batch in collections["batches"]] == [True]
    seen = await told(client, nats_server.url, batch_id, [])
    assert (seen[0].user_password, seen[0].owner_password, seen[0].forbid_print) == (OPENS, OWNS, False)
    assert (seen[1].user_password, seen[1].owner_password, seen[1].forbid_print) == (OTHER, "", True)
    assert seen[2] == seen[1]
    answers = [await client.batch(batch_id), *await client.items(batch_id)]
    assert not any(password in str(answer) for answer in answers for password in (OPENS, OWNS, OTHER))
    collections = await stored(settings)
    assert not holds_a_password(collections)
    assert [("password_key" in batch) for batch in collections["batches"]] == [False]


async def test_what_failed_is_tried_again_with_the_same_passwords(
    client: Client, settings: SchedulerSettings, nats_server: UrlServer
) -> None:
    first = (await client.submit_items(SPEC, ROWS)).batch.id
    seen = await told(client, nats_server.url, first, [batch_pb2.ItemError(code="TEMPLATE_ERROR", message="no")])
    request = batch_pb2.RetryBatchRequest(batch_id=first)
    again = (await client.batches.RetryBatch(request, metadata=client.auth, timeout=60)).batch.id
    assert not holds_a_password(await stored(settings))
    assert await told(client, nats_server.url, again, []) == seen
    kept = {batch["_id"]: "password_key" in batch for batch in (await stored(settings))["batches"]}
    assert kept == {first: True, again: False}


async def test_a_batch_without_passwords_has_no_key(client: Client, settings: SchedulerSettings) -> None:
    await client.submit(1)
    assert [("password_key" in batch) for batch in (await stored(settings))["batches"]] == [False]


async def test_a_refusal_and_a_dry_run_name_fields_and_no_password(client: Client) -> None:
    spec = batch_pb2.BatchSpec()
    spec.CopyFrom(SPEC)
    spec.output.pdf.pdfa = batch_pb2.PDF_ARCHIVAL_2B
    spec.output.pdf.page_ranges = "3-1"
    spec.output.pdf.encryption.owner_password = OPENS
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.submit_items(spec, ROWS)
    refusal = from_rpc_error(caught.value)
    named = [f"spec.output.pdf.{name}" for name in ("page_ranges", "encryption.owner_password", "encryption")]
    assert [violation.path for violation in refusal.violations] == named
    assert OPENS not in str(caught.value)

    async def messages() -> AsyncIterator[batch_pb2.CheckBatchRequest]:
        yield batch_pb2.CheckBatchRequest(spec=spec)
        yield batch_pb2.CheckBatchRequest(items=batch_pb2.ItemChunk(items=ROWS))

    report = await client.batches.CheckBatch(messages(), metadata=client.auth, timeout=60)
    assert [fault.path for fault in report.faults] == named
    assert OPENS not in str(report)

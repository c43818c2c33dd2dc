"""Whole batches as NDJSON and CSV, streamed."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

import httpx2
import pytest

from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from services.gateway import exports
from services.gateway.translate import rows
from tests.support.gateway_inside import running_gateway
from tests.support.scheduler import HTML, PNG, Client, ReportingRenderer, running_scheduler, scheduler_settings
from tests.support.servers import S3Server, UrlServer

NATIVE = batch_pb2.BatchSpec(dialect=batch_pb2.DIALECT_NATIVE, source=HTML, output=PNG)


@dataclass
class World:
    """A gateway and a scheduler in this process."""

    client: Client
    rest: httpx2.AsyncClient
    nats_url: str


@pytest.fixture(scope="module")
async def world(nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server) -> AsyncIterator[World]:
    settings = scheduler_settings(nats_server, mongodb_server, s3_server)
    async with running_scheduler(settings) as anonymous:
        client = await anonymous.as_account("acme")
        async with running_gateway(settings) as gateway, gateway.client(client.key) as rest:
            yield World(client, rest, nats_server.url)


@pytest.fixture(scope="module")
async def batch_id(world: World) -> str:
    """A batch of 620 rows, every third of which has failed."""

    async def fail_thirds(task: task_pb2.Task) -> list[batch_pb2.ItemError]:
        third = int(task.lease.item_id[-5:]) % 3 == 0
        return [batch_pb2.ItemError(code="TEMPLATE_ERROR", message="=name is missing")] if third else []

    items = [batch_pb2.ItemSpec(data_json=b'{"name": 1}', reference=f"row-{i}") for i in range(620)]
    async with ReportingRenderer(world.client, world.nats_url, fail_thirds, slots=16).running():
        created = await world.client.submit_items(NATIVE, items)
        await world.client.until_ended(created.batch.id, 60)
    return created.batch.id


async def test_ndjson_holds_every_item_as_the_pages_do(world: World, batch_id: str) -> None:
    url = f"/v1/batches/{batch_id}/items"
    answer = await world.rest.get(url, headers={"Accept": "application/x-ndjson"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    assert answer.headers["content-disposition"] == f'attachment; filename="{batch_id}.ndjson"'
    lines = [json.loads(line) for line in answer.content.splitlines()]
    assert lines == (await world.rest.get(url, params={"limit": 1000})).json()["data"]
    assert [line["index"] for line in lines] == list(range(620))


async def test_csv_holds_every_item_under_one_header(world: World, batch_id: str) -> None:
    answer = await world.rest.get(f"/v1/batches/{batch_id}/items?format=csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    found = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [row["reference"] for row in found] == [f"row-{i}" for i in range(620)]
    assert [row["index"] for row in found].count("index") == 0
    assert (found[0]["status"], found[0]["error_message"]) == ("failed", "'=name is missing")
    assert (found[1]["status"], found[1]["error_message"]) == ("succeeded", "")
    assert found[1]["url"].startswith("http")


async def test_the_query_wins_over_the_header_and_states_select(world: World, batch_id: str) -> None:
    params = {"format": "ndjson", "status": "failed"}
    answer = await world.rest.get(f"/v1/batches/{batch_id}/items", params=params, headers={"Accept": "text/csv"})
    lines = [json.loads(line) for line in answer.content.splitlines()]
    assert [line["index"] for line in lines] == list(range(0, 620, 3))


async def test_json_stays_the_default(world: World, batch_id: str) -> None:
    for accept in ("*/*", "application/json", "text/html"):
        answer = await world.rest.get(f"/v1/batches/{batch_id}/items", headers={"Accept": accept})
        assert set(answer.json()) == {"data", "next_cursor"}


@pytest.mark.parametrize(
    ("query", "path"),
    [("format=xml", "format"), ("format=csv&limit=10", "limit"), ("format=ndjson&cursor=aW5kZXg6NQ", "cursor")],
)
async def test_what_does_not_go_together_is_refused(world: World, batch_id: str, query: str, path: str) -> None:
    answer = await world.rest.get(f"/v1/batches/{batch_id}/items?{query}")
    assert answer.status_code == 400
    assert [field["path"] for field in answer.json()["error"]["fields"]] == [path]


async def test_a_batch_that_is_not_there_is_404_before_anything_is_sent(world: World) -> None:
    answer = await world.rest.get("/v1/batches/batch_unknown/items?format=csv")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


async def test_a_caller_that_leaves_ends_the_export(
    world: World, batch_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = 0

    def counted(items: Iterable[batch_pb2.Item]) -> bytes:
        nonlocal pages
        pages += 1
        return rows.ndjson(items)

    monkeypatch.setattr(exports, "PAGE_ITEMS", 2)
    monkeypatch.setitem(exports._ENCODINGS, "ndjson", ("application/x-ndjson", b"", counted))
    async with world.rest.stream("GET", f"/v1/batches/{batch_id}/items?format=ndjson") as answer:
        async for _ in answer.aiter_raw():
            break
    async with asyncio.timeout(60):
        seen = 0
        while seen != pages:
            seen = pages
            await asyncio.sleep(0.5)
    assert 0 < pages < 310


async def test_a_failure_in_the_middle_breaks_the_answer_off(
    world: World, batch_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails_later(items: list[batch_pb2.Item]) -> bytes:
        if items[0].index:
            raise OSError("no page")
        return rows.ndjson(items)

    monkeypatch.setitem(exports._ENCODINGS, "ndjson", ("application/x-ndjson", b"", fails_later))
    with pytest.raises(httpx2.RemoteProtocolError):
        await world.rest.get(f"/v1/batches/{batch_id}/items?format=ndjson")

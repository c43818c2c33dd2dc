"""The feed of events and the list of batches over REST, with a renderer that only reports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from pressline.batch.v1 import batch_pb2
from services.common import ids
from services.common.addresses import AllowList
from services.scheduler import clock, feed
from services.scheduler.store.database import Database
from services.scheduler.stores import Stores
from tests.support.feeds import HOOK, System, feed_of
from tests.support.gateway_inside import running_gateway
from tests.support.scheduler import Client, running_scheduler, scheduler_settings
from tests.support.servers import S3Server, UrlServer


@pytest.fixture(scope="module")
async def system(nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server) -> AsyncIterator[System]:
    allow = AllowList.parse("127.0.0.1:9999")
    settings = scheduler_settings(nats_server, mongodb_server, s3_server, webhook_allow=allow)
    async with running_scheduler(settings) as anonymous, running_gateway(settings) as gateway:
        yield System(anonymous, gateway.url, settings, nats_server.url)


@pytest.fixture
async def client(system: System) -> Client:
    return await system.anonymous.as_account(ids.new("acme"))


@pytest.fixture
async def rest(system: System, client: Client) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"Authorization": f"Bearer {client.key}"}
    async with httpx2.AsyncClient(base_url=system.rest_url, headers=headers, timeout=60, trust_env=False) as opened:
        yield opened


async def test_every_ended_batch_is_one_event(system: System, client: Client, rest: httpx2.AsyncClient) -> None:
    made = await system.end(client, 3)
    page = await feed_of(rest, 3)
    assert [event["sequence"] for event in page["data"]] == [1, 2, 3]
    assert {event["type"] for event in page["data"]} == {"batch.completed"}
    assert {event["data"]["id"] for event in page["data"]} == set(made)
    assert all(event["data"]["status"] == "completed" for event in page["data"])
    assert len({event["id"] for event in page["data"]}) == 3
    assert page["next_cursor"] is None
    first = (await rest.get("/v1/events", params={"limit": 2})).json()
    assert (first["data"], first["next_cursor"]) == (page["data"][:2], "2")
    assert (await rest.get("/v1/events", params={"after": 2})).json()["data"] == page["data"][2:]
    assert (await rest.get("/v1/events", params={"after": 3})).json() == {"data": [], "next_cursor": None}


@pytest.mark.parametrize("params", [{"limit": 0}, {"limit": 101}, {"after": -1}, {"after": "x"}, {"after": 10**30}])
async def test_a_page_of_the_feed_is_bounded(rest: httpx2.AsyncClient, params: dict[str, Any]) -> None:
    answer = await rest.get("/v1/events", params=params)
    assert (answer.status_code, answer.json()["error"]["fields"][0]["path"]) == (400, next(iter(params)))


async def test_announcing_again_makes_no_second_event(system: System, client: Client, rest: httpx2.AsyncClient) -> None:
    (batch_id,) = await system.end(client, webhook_url=HOOK)
    before = await feed_of(rest, 1)
    database = Database(system.settings.mongodb_url, system.settings.mongodb_database)
    try:
        # As a scheduler leaves it that is killed after it announced and before it noted so.
        await database.collection("batches").update_one({"_id": batch_id}, {"$set": {"outbox": "1"}})
        async with asyncio.timeout(60):
            while await database.collection("batches").find_one({"_id": batch_id, "outbox": "1"}):
                await asyncio.sleep(0.05)
    finally:
        await database.close()
    assert await feed_of(rest, 1) == before
    deliveries = (await rest.get(f"/v1/batches/{batch_id}/deliveries")).json()["data"]
    assert [(each["url"], each["event_id"]) for each in deliveries] == [(HOOK, before["data"][0]["id"])]


async def test_events_are_kept_for_thirty_days(system: System, client: Client, rest: httpx2.AsyncClient) -> None:
    database = Database(system.settings.mongodb_url, system.settings.mongodb_database)
    account = (await rest.get("/v1/usage")).json()["account_id"]
    old = clock.now_ms() - feed.KEPT_MS - 1
    try:
        stored = {"type": "batch.completed", "body": b'{"data":{}}', "created_ms": old}
        await Stores.of(database).events.append(account, "evt_old", stored)
    finally:
        await database.close()
    await system.end(client)
    async with asyncio.timeout(60):
        while [event["sequence"] for event in (await rest.get("/v1/events")).json()["data"]] != [2]:
            await asyncio.sleep(0.05)


async def test_batches_are_listed_newest_first(system: System, client: Client, rest: httpx2.AsyncClient) -> None:
    ended = await system.end(client, 2)
    waiting = (await client.submit(1)).batch.id
    newest_first = [waiting, *reversed(ended)]
    listed = (await rest.get("/v1/batches")).json()
    assert [batch["id"] for batch in listed["data"]] == newest_first
    assert listed["data"][1] == (await rest.get(f"/v1/batches/{ended[1]}")).json()
    assert listed["next_cursor"] is None
    seen, cursor = [], ""
    while cursor is not None:
        page = (await rest.get("/v1/batches", params={"limit": 1, "cursor": cursor})).json()
        seen += [batch["id"] for batch in page["data"]]
        cursor = page["next_cursor"]
    assert seen == newest_first
    completed = (await rest.get("/v1/batches", params={"status": "completed"})).json()["data"]
    assert [batch["id"] for batch in completed] == newest_first[1:]
    assert (await rest.get("/v1/batches", params={"status": "failed"})).json() == {"data": [], "next_cursor": None}
    stranger = await client.as_account("stranger-of-lists")
    request = batch_pb2.ListBatchesRequest()
    assert not (await client.batches.ListBatches(request, metadata=stranger.auth)).batches


@pytest.mark.parametrize(
    "params", [{"limit": 0}, {"limit": 101}, {"status": "done"}, {"cursor": "no"}, {"cursor": "\u0142"}]
)
async def test_a_list_of_batches_is_bounded(rest: httpx2.AsyncClient, params: dict[str, Any]) -> None:
    answer = await rest.get("/v1/batches", params=params)
    assert (answer.status_code, answer.json()["error"]["fields"][0]["path"]) == (400, next(iter(params)))

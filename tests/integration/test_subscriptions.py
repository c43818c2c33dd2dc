"""Webhook subscriptions and deliveries sent again, over REST, with a renderer that only reports."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from pressline.webhook.v1 import webhook_pb2
from services.common import ids
from services.common.addresses import AllowList
from tests.support.feeds import BODY, HOOK, System, due, feed_of, record, state_of
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


async def test_a_subscription_shows_its_secret_once(rest: httpx2.AsyncClient) -> None:
    answer = await rest.post("/webhook-subscriptions", json={**BODY, "unknown": 1})
    assert answer.status_code == 201
    made = answer.json()
    assert made["id"].startswith("sub_")
    assert made["secret"].startswith("whsec_")
    assert (made["url"], made["events"], made["active"]) == (HOOK, ["batch.completed"], True)
    shown = {name: value for name, value in made.items() if name != "secret"}
    assert (await rest.get("/webhook-subscriptions")).json() == {"subscriptions": [shown]}
    assert (await rest.delete(f"/webhook-subscriptions/{made['id']}")).status_code == 204
    gone = await rest.delete(f"/webhook-subscriptions/{made['id']}")
    assert (gone.status_code, gone.json()["code"]) == (404, "NOT_FOUND")
    assert (await rest.get("/webhook-subscriptions")).json() == {"subscriptions": []}


async def test_a_repeated_subscription_is_the_same_one(rest: httpx2.AsyncClient) -> None:
    headers = {"Idempotency-Key": "subscribe"}
    first = await rest.post("/webhook-subscriptions", json=BODY, headers=headers)
    again = await rest.post("/webhook-subscriptions", json=BODY, headers=headers)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    other = await rest.post("/webhook-subscriptions", json={**BODY, "url": HOOK + "2"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"events": ["batch.completed"]}, "url"),
        ({"url": HOOK}, "events"),
        ({"url": HOOK, "events": []}, "events"),
        ({"url": HOOK, "events": ["batch.other"]}, "events[0]"),
        ({**BODY, "url": "ftp://example.com"}, "url"),
        ({**BODY, "url": "https://user:word@example.com"}, "url"),
        ({**BODY, "url": "http://127.0.0.1:9998/hook"}, "url"),
        ({**BODY, "url": "http://127.1/hook"}, "url"),
        ({**BODY, "url": "http://2130706433/hook"}, "url"),
        ({**BODY, "url": "http://[::ffff:10.0.0.1]/hook"}, "url"),
        ({**BODY, "url": "http://169.254.169.254/latest"}, "url"),
    ],
)
async def test_a_subscription_that_cannot_be_sent_to_is_refused(
    rest: httpx2.AsyncClient, body: dict[str, Any], path: str
) -> None:
    answer = await rest.post("/webhook-subscriptions", json=body)
    assert answer.status_code == 400, answer.text
    assert [error["path"] for error in answer.json()["errors"]] == [path]


async def test_an_allowed_private_receiver_is_accepted(rest: httpx2.AsyncClient) -> None:
    answer = await rest.post("/webhook-subscriptions", json={**BODY, "url": "http://127.0.0.1:9999/hook"})
    assert answer.status_code == 201


async def test_an_account_has_at_most_twenty_subscriptions(rest: httpx2.AsyncClient) -> None:
    made = [await rest.post("/webhook-subscriptions", json=BODY) for _ in range(20)]
    assert {answer.status_code for answer in made} == {201}
    one_more = await rest.post("/webhook-subscriptions", json=BODY)
    assert (one_more.status_code, one_more.json()["code"]) == (409, "CONFLICT")
    await rest.delete(f"/webhook-subscriptions/{made[7].json()['id']}")
    assert (await rest.post("/webhook-subscriptions", json=BODY)).status_code == 201


async def test_each_subscription_is_sent_the_event_signed_with_its_own_secret(
    system: System, client: Client, rest: httpx2.AsyncClient
) -> None:
    # The same address three times over: as the batch's own and in two subscriptions.
    made = [(await rest.post("/webhook-subscriptions", json=BODY)).json() for _ in range(2)]
    (batch_id,) = await system.end(client, webhook_url=HOOK)
    event = (await feed_of(rest, 1))["data"][0]
    sent = [each for each in await due(client) if each.event_id == event["id"]]
    account_secret = (await rest.get("/v1/webhooks/secret")).json()["secret"]
    assert {tuple(each.secrets) for each in sent} == {
        (account_secret,),
        *((each["secret"],) for each in made),
    }
    assert len(sent) == 3
    assert {json.loads(each.body)["data"]["id"] for each in sent} == {batch_id}
    listed = (await rest.get(f"/v1/batches/{batch_id}/deliveries")).json()["data"]
    assert {each["id"] for each in listed} == {each.id for each in sent}


async def test_a_receiver_that_is_gone_disables_its_subscription(
    system: System, client: Client, rest: httpx2.AsyncClient
) -> None:
    subscription = (await rest.post("/webhook-subscriptions", json=BODY)).json()
    first, second = await system.end(client, 2)
    events = {event["data"]["id"]: event["id"] for event in (await feed_of(rest, 2))["data"]}
    leased = {each.event_id: each for each in await due(client)}
    await record(client, leased[events[first]], webhook_pb2.DELIVERY_STATE_DISABLED, 410)
    (shown,) = (await rest.get("/webhook-subscriptions")).json()["subscriptions"]
    assert (shown["id"], shown["active"]) == (subscription["id"], False)
    # What was waiting for it is not sent any more, and nothing new is made.
    async with asyncio.timeout(60):
        while await state_of(rest, second) != "disabled":
            assert all(each.event_id != events[second] for each in await due(client))
            await asyncio.sleep(0.1)
    (third,) = await system.end(client)
    await feed_of(rest, 3)
    assert (await rest.get(f"/v1/batches/{third}/deliveries")).json()["data"] == []
    again = await rest.post(f"/v1/deliveries/{leased[events[first]].id}:resend")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "CONFLICT")


@pytest.mark.parametrize(
    ("state", "status"), [(webhook_pb2.DELIVERY_STATE_DEAD, 500), (webhook_pb2.DELIVERY_STATE_DELIVERED, 200)]
)
async def test_a_delivery_is_sent_again(
    system: System,
    client: Client,
    rest: httpx2.AsyncClient,
    state: webhook_pb2.DeliveryState.ValueType,
    status: int,
) -> None:
    (batch_id,) = await system.end(client, webhook_url=HOOK)
    event = (await feed_of(rest, 1))["data"][0]
    (sent,) = [each for each in await due(client) if each.event_id == event["id"]]
    await record(client, sent, state, status)
    answer = await rest.post(f"/v1/deliveries/{sent.id}:resend")
    assert answer.status_code == 200
    assert (answer.json()["id"], answer.json()["state"]) == (sent.id, "pending")
    (again,) = [each for each in await due(client) if each.event_id == event["id"]]
    assert (again.event_id, again.url, again.body, again.attempts_made) == (sent.event_id, sent.url, sent.body, 0)
    await record(client, again, webhook_pb2.DELIVERY_STATE_DELIVERED, 204)
    (shown,) = (await rest.get(f"/v1/batches/{batch_id}/deliveries")).json()["data"]
    assert [attempt["status_code"] for attempt in shown["attempts"]] == [status, 204]
    stranger = await client.as_account("stranger")
    headers = {"Authorization": f"Bearer {stranger.key}"}
    hidden = await rest.post(f"/v1/deliveries/{sent.id}:resend", headers=headers)
    assert (hidden.status_code, hidden.json()["error"]["code"]) == (404, "NOT_FOUND")

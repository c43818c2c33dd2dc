"""Webhook URLs of batches are judged when the batch is submitted, and named as each API calls them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from services.common.addresses import AllowList
from tests.support.gateway_inside import running_gateway
from tests.support.scheduler import running_scheduler, scheduler_settings
from tests.support.servers import S3Server, UrlServer

LISTED = "http://127.0.0.1:9999/hook"
NOT_PUBLIC = (
    "http://127.0.0.1:9998/hook",
    "http://10.0.0.1/hook",
    "http://2130706433/hook",
    "http://0x7f000001/hook",
    "http://0177.0.0.1/hook",
    "http://127.1/hook",
    "http://[::1]/hook",
    "http://[::ffff:10.0.0.1]/hook",
    "http://[64:ff9b::10.0.0.1]/hook",
    "http://[2002:7f00:1::]/hook",
    "http://①②⑦.⓪.⓪.①/hook",
    "http://localhost/hook",
    "http://169.254.169.254/latest/meta-data",
)
NO_RECEIVERS = (
    "ftp://example.com/hook",
    "http://me:secret@example.com/hook",
    "http://example.com:0/hook",
    "http://example.com:99999/hook",
    "http://127.0.0.256/hook",
)
BATCHES: dict[str, tuple[str, dict[str, Any]]] = {
    "webhookUrl": ("/templates/{template}/batch-render", {"variableSets": [{"name": "a"}]}),
    "webhook": ("/v1/generate/batch", {"items": [{"html": "x"}]}),
    "webhook_url": ("/v1/batches", {"items": [{"html": "x"}]}),
}


@pytest.fixture(scope="module")
async def rest(
    nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server
) -> AsyncIterator[httpx2.AsyncClient]:
    allow = AllowList.parse("127.0.0.1:9999")
    settings = scheduler_settings(
        nats_server, mongodb_server, s3_server, webhook_allow=allow, template_wait_seconds=0, waiting_batches=1000
    )
    async with (
        running_scheduler(settings) as anonymous,
        running_gateway(settings) as gateway,
        gateway.client((await anonymous.as_account("acme")).key) as client,
    ):
        yield client


async def submitted(rest: httpx2.AsyncClient, field: str, url: str, query: str = "") -> httpx2.Response:
    path, body = BATCHES[field]
    if "{template}" in path:
        made = await rest.post("/templates", json={"name": "t", "html": "{{name}}", "width": 10, "height": 10})
        path = path.format(template=made.json()["uid"])
    return await rest.post(path + query, json={**body, field: url})


def fields(answer: httpx2.Response) -> list[str]:
    """The fields that an answer finds at fault, in either form."""
    assert answer.status_code == 400, answer.text
    body = answer.json()
    code, faults = (
        (body["error"]["code"], body["error"]["fields"]) if "error" in body else (body["code"], body["errors"])
    )
    assert code == "VALIDATION_ERROR"
    return [fault["path"] for fault in faults]


@pytest.mark.parametrize("url", [*NOT_PUBLIC, *NO_RECEIVERS])
@pytest.mark.parametrize("field", BATCHES)
async def test_a_receiver_that_cannot_be_reached_is_refused_at_submit(
    rest: httpx2.AsyncClient, field: str, url: str
) -> None:
    assert fields(await submitted(rest, field, url)) == [field]


@pytest.mark.parametrize("field", BATCHES)
async def test_a_receiver_that_is_listed_or_public_is_accepted(rest: httpx2.AsyncClient, field: str) -> None:
    for url in (LISTED, "https://8.8.8.8/hook", "https://hooks.example.com/hook"):
        assert (await submitted(rest, field, url)).status_code == 202


@pytest.mark.parametrize("field", BATCHES)
async def test_a_dry_run_finds_it_too(rest: httpx2.AsyncClient, field: str) -> None:
    report = (await submitted(rest, field, NOT_PUBLIC[1], "?dry_run=true")).json()
    assert (report["valid"], [error["path"] for error in report["errors"]]) == (False, [field])


async def test_subscriptions_are_judged_alike(rest: httpx2.AsyncClient) -> None:
    for url in (*NOT_PUBLIC, *NO_RECEIVERS):
        answer = await rest.post("/webhook-subscriptions", json={"url": url, "events": ["batch.completed"]})
        assert fields(answer) == ["url"]
    answer = await rest.post("/webhook-subscriptions", json={"url": LISTED, "events": ["batch.completed"]})
    assert answer.status_code == 201

"""What was decided where neither contract says enough, row by row: what the other tests of this folder do not hold."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

import httpx2
import pytest
from standardwebhooks.webhooks import Webhook

from tests.support.belongings import TEMPLATE_BODY
from tests.support.gateway import api, make_template, until_ended
from tests.support.receiver import receiving
from tests.support.stack import Stack

HTML = "<p>{{name}}</p>"
SMALL = {"format": "png", "width": 40, "height": 30}
METADATA = {"order": 9007199254740993, "note": "żółć 😀", "nested": {"list": [1.5, None, True]}}
ROUTES = """
POST /templates                              GET /templates
GET /templates/{}                            PUT /templates/{}
DELETE /templates/{}                         GET /templates/{}/variables
POST /templates/{}/render                    POST /templates/{}/batch-render
GET /templates/batch/{}/results              POST /templates/batch/{}/cancel
POST /webhook-subscriptions                  GET /webhook-subscriptions
DELETE /webhook-subscriptions/{}
POST /v1/generate                            POST /v1/generate/batch
GET /v1/generations/{}                       GET /v1/generations
POST /v1/templates                           GET /v1/templates
GET /v1/templates/{}                         PUT /v1/templates/{}
DELETE /v1/templates/{}                      GET /v1/usage
POST /v1/batches                             GET /v1/batches
GET /v1/batches/{}                           DELETE /v1/batches/{}
GET /v1/batches/{}/items                     GET /v1/batches/{}/events
POST /v1/batches/{}:cancel                   POST /v1/batches/{}:retry
POST /v1/batches/{}:archive                  GET /v1/events
POST /v1/assets                              GET /v1/assets
DELETE /v1/assets/{}                         GET /v1/batches/{}/deliveries
POST /v1/deliveries/{}:resend                GET /v1/webhooks/secret
POST /v1/webhooks/secret:rotate
"""


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx2.Client]:
    with api(stack, account="tests-rows-decisions") as connected:
        yield connected


@pytest.fixture(scope="module")
def uid(client: httpx2.Client) -> str:
    return make_template(client)


@pytest.fixture(scope="module")
def described(client: httpx2.Client) -> set[str]:
    """The routes of the description, without the names of their parameters."""
    return {
        f"{method.upper()} " + "".join("{}" if at % 2 else part for at, part in enumerate(split(path)))
        for path, methods in client.get("/openapi.json").json()["paths"].items()
        for method in methods
    }


@pytest.mark.parametrize(
    "route", [cell.strip() for line in ROUTES.split("\n") for cell in line.split("  ") if cell.strip()]
)
def test_route_is_described(described: set[str], route: str) -> None:
    assert route in described


def split(path: str) -> list[str]:
    """Texts and names of parameters, in turn."""
    return path.replace("}", "{").split("{")


# Idempotency-Key, on every creating route of both dialects and the native API.

CREATING: Mapping[str, Callable[[str], tuple[str, dict[str, Any]]]] = {
    "POST /templates": lambda _: ("/templates", dict(TEMPLATE_BODY)),
    "POST /templates/{uid}/render": lambda uid: (f"/templates/{uid}/render", {"variables": {"name": "a"}}),
    "POST /templates/{uid}/batch-render": lambda uid: (
        f"/templates/{uid}/batch-render",
        {"variableSets": [{"name": "a"}]},
    ),
    "POST /webhook-subscriptions": lambda _: (
        "/webhook-subscriptions",
        {"url": "http://127.0.0.1:9/", "events": ["batch.completed"]},
    ),
    "POST /v1/templates": lambda _: ("/v1/templates", dict(TEMPLATE_BODY)),
    "POST /v1/generate": lambda _: ("/v1/generate", {"html": "<p>a</p>"}),
    "POST /v1/generate/batch": lambda _: ("/v1/generate/batch", {"items": [{"html": "<p>a</p>"}]}),
    "POST /v1/batches": lambda _: ("/v1/batches", {"items": [{"html": "<p>a</p>", "output": SMALL}]}),
}


@pytest.mark.parametrize("route", CREATING)
def test_idempotency_key_of_each_creating_route(client: httpx2.Client, uid: str, route: str) -> None:
    path, body = CREATING[route](uid)
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    first, again = (client.post(path, json=body, headers=headers) for _ in range(2))
    assert first.status_code in {200, 201, 202}, first.text
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert [answer.headers.get("idempotent-replayed") for answer in (first, again)] == [None, "true"]
    other = client.post(path, json={**body, "name": "another", "tags": 1}, headers=headers)
    if other.status_code != 400:  # Where no field is unknown.
        assert (other.status_code, "IDEMPOTENCY_KEY_REUSED" in other.text) == (422, True)
    new = client.post(path, json=body, headers={"Idempotency-Key": secrets.token_hex(8)})
    assert new.content != first.content


# References and metadata; deliveries and events.


@pytest.fixture(scope="module")
def announced(client: httpx2.Client) -> Iterator[tuple[dict[str, Any], dict[str, str], bytes]]:
    """A native batch with metadata, and the webhook that announced it."""
    items = [{"data": {"name": "a"}, "reference": "r" * 256, "filename": "a.png"}, {"data": {"name": "b"}}]
    body = {"defaults": {"html": HTML, "output": SMALL}, "items": items, "metadata": METADATA}
    with receiving() as receiver:
        made = client.post("/v1/batches", json={**body, "webhook_url": receiver.url})
        assert made.status_code == 202, made.text
        batch = until_ended(client, made.json()["id"])
        ((headers, sent),) = receiver.wait(1, 60)
        yield batch, headers, sent


def test_metadata_is_echoed_in_results_and_webhooks(
    client: httpx2.Client, announced: tuple[dict[str, Any], dict[str, str], bytes]
) -> None:
    batch, _, sent = announced
    assert batch["metadata"] == client.get(f"/v1/batches/{batch['id']}").json()["metadata"] == METADATA
    assert json.loads(sent)["data"] == {
        **{name: batch[name] for name in ("id", "status", "total", "completed", "failed", "cancelled", "metadata")}
    }


def test_references_are_echoed_in_results(
    client: httpx2.Client, announced: tuple[dict[str, Any], dict[str, str], bytes]
) -> None:
    items = client.get(f"/v1/batches/{announced[0]['id']}/items").json()["data"]
    assert [(item["reference"], item["filename"]) for item in items] == [("r" * 256, "a.png"), (None, None)]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"items": [{"html": "x", "reference": "r" * 257}]}, "items[0].reference"),
        ({"items": [{"html": "x"}], "metadata": {"a": "x" * 4096}}, "metadata"),
        ({"items": [{"html": "x"}], "metadata": ["a"]}, "metadata"),
    ],
)
def test_references_and_metadata_have_bounds(client: httpx2.Client, fields: dict[str, Any], path: str) -> None:
    answer = client.post("/v1/batches", json=fields)
    assert (answer.status_code, answer.json()["error"]["fields"][0]["path"]) == (400, path)


def test_webhooks_are_signed_by_the_standard(
    client: httpx2.Client, announced: tuple[dict[str, Any], dict[str, str], bytes]
) -> None:
    _, headers, sent = announced
    secret = client.get("/v1/webhooks/secret").json()["secret"]
    assert secret.startswith("whsec_")
    assert Webhook(secret).verify(sent, headers) == json.loads(sent)
    assert headers["webhook-signature"].startswith("v1,")


def test_deliveries_show_every_attempt(
    client: httpx2.Client, announced: tuple[dict[str, Any], dict[str, str], bytes]
) -> None:
    batch, headers, _ = announced
    listed = client.get(f"/v1/batches/{batch['id']}/deliveries").json()
    assert set(listed) == {"data", "next_cursor"}
    # The account's subscriptions are sent it as well.
    (delivery,) = (each for each in listed["data"] if each["url"] == f"http://{headers['host']}/hook")
    assert set(delivery) >= {"id", "event_id", "url", "state", "next_at", "attempts"}
    assert delivery["event_id"] == headers["webhook-id"]


def test_events_tell_what_webhooks_told(
    client: httpx2.Client, announced: tuple[dict[str, Any], dict[str, str], bytes]
) -> None:
    _, headers, sent = announced
    listed = client.get("/v1/events?limit=100").json()
    events = {event["id"]: event for event in listed["data"]}
    event = events[headers["webhook-id"]]
    assert set(event) == {"id", "sequence", "type", "timestamp", "data"}
    assert {name: event[name] for name in ("type", "data")} == {
        name: json.loads(sent)[name] for name in ("type", "data")
    }
    assert datetime.fromisoformat(event["timestamp"])
    sequences = [each["sequence"] for each in listed["data"]]
    assert sequences == sorted(set(sequences))


# Errors, in the form of each route.


def refused(client: httpx2.Client, method: str, path: str, **kwargs: Any) -> tuple[int, str]:
    answer = client.request(method, path, **kwargs)
    body = answer.json()
    problem = answer.headers["content-type"] == "application/problem+json"
    assert problem != path.startswith("/v1/")
    return answer.status_code, body["code"] if problem else body["error"]["code"]


def test_errors_of_a_batch_that_has_ended_or_is_gone(client: httpx2.Client, uid: str) -> None:
    batch = client.post(f"/templates/{uid}/batch-render", json={"variableSets": [{"name": "a"}]}).json()["batchId"]
    item = f"/v1/generations/{client.get(f'/v1/batches/{batch}/items').json()['data'][0]['id']}"
    until_ended(client, batch)
    cancels = (f"/templates/batch/{batch}/cancel", f"/v1/batches/{batch}:cancel")
    assert [refused(client, "POST", path) for path in cancels] == [(409, "CONFLICT")] * 2
    assert client.delete(f"/v1/batches/{batch}").status_code == 204
    reads = (f"/templates/batch/{batch}/results", f"/v1/batches/{batch}", f"/v1/batches/{batch}/items", item)
    assert [refused(client, "GET", path) for path in reads] == [(410, "GONE")] * 4
    assert [refused(client, "POST", path) for path in cancels] == [(410, "GONE")] * 2


@pytest.mark.parametrize(
    ("path", "body", "found"),
    [
        (
            "/templates/{uid}/batch-render",
            {"variableSets": [1, {}, "x"], "quality": 7, "webhookUrl": "nowhere"},
            ["variableSets[0]", "variableSets[2]", "quality", "webhookUrl"],
        ),
        (
            "/v1/generate/batch",
            {"items": [{}, {"html": "x", "options": {"format": "A0"}}, {"html": "x", "output": 1}], "webhook": 1},
            ["items[0]", "items[1].options.format", "items[2].output", "webhook"],
        ),
        (
            "/v1/batches",
            {"items": [{"html": "x", "outptu": {}}, {"html": 1}], "concurrency": 11, "webhook_url": "x"},
            ["items[0].outptu", "items[1].html", "concurrency", "webhook_url"],
        ),
    ],
)
def test_errors_name_every_violation_at_once(
    client: httpx2.Client, uid: str, path: str, body: dict[str, Any], found: list[str]
) -> None:
    answer = client.post(path.format(uid=uid), json=body)
    problem = answer.json()
    fields = problem["errors"] if "errors" in problem else problem["error"]["fields"]
    assert answer.status_code == 400
    assert sorted(field["path"] for field in fields) == sorted(found)
    assert all(field["message"] for field in fields)

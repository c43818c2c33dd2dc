"""Batches through the native API."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx2
import pytest

from tests.support.gateway import api, envelope_paths, make_template, until_ended
from tests.support.stack import Stack

BATCH_FIELDS = {
    "id",
    "status",
    "total",
    "completed",
    "failed",
    "cancelled",
    "progress",
    "created_at",
    "started_at",
    "finished_at",
    "expires_at",
    "queue_position",
    "estimated_finish_at",
    "template",
    "retry_of",
    "retried_by",
    "metadata",
    "timezone",
    "locale",
    "clock",
    "missing_assets",
    "warnings",
}
ITEM_FIELDS = {
    "id",
    "index",
    "status",
    "reference",
    "filename",
    "retry_of",
    "url",
    "format",
    "width",
    "height",
    "pages",
    "bytes",
    "sha256",
    "outputs",
    "attempts",
    "crashes",
    "queued_at",
    "claimed_at",
    "finished_at",
    "duration_ms",
    "upload_ms",
    "error",
    "warnings",
}
HTML = "<p>{{name}}</p>"


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx2.Client]:
    with api(stack, account="tests-native") as connected:
        yield connected


@pytest.fixture(scope="module")
def ended(client: httpx2.Client) -> dict[str, Any]:
    """An image, a PDF and a failure, ended."""
    answer = client.post(
        "/v1/batches",
        content=b"""{
            "defaults": {"html": "<p>{{name}}</p>", "output": {"format": "jpeg", "width": 120, "height": 80}},
            "items": [
                {"data": {"name": "Ada"}, "reference": "row-1", "filename": "ada.jpg"},
                {"data": {"name": "Zo\\u00eb"}, "output": {"format": "pdf", "page_size": "Letter"}},
                {"data": {}}
            ],
            "concurrency": 2,
            "metadata": {"order": 9007199254740993, "note": "\\u00e9"}
        }""",
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 202, answer.text
    return until_ended(client, answer.json()["id"])


def submit(client: httpx2.Client, **fields: object) -> httpx2.Response:
    return client.post("/v1/batches", json={"items": [{"html": "x"}], **fields})


def items_of(client: httpx2.Client, batch_id: str, **parameters: str | int) -> dict[str, Any]:
    answer = client.get(f"/v1/batches/{batch_id}/items", params=parameters)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_a_submit_answers_with_the_batch(client: httpx2.Client) -> None:
    template = make_template(client)
    answer = submit(
        client, defaults={"template": template, "output": {"format": "png"}}, items=[{"data": {"name": "a"}}]
    )
    assert answer.status_code == 202
    batch = answer.json()
    assert set(batch) == BATCH_FIELDS
    assert {key: batch[key] for key in ("status", "total", "completed", "progress", "finished_at", "template")} == {
        "status": "pending",
        "total": 1,
        "completed": 0,
        "progress": 0,
        "finished_at": None,
        "template": {"id": template, "version": 1},
    }
    assert batch["expires_at"] > batch["created_at"]


def test_an_ended_batch_adds_up(client: httpx2.Client, ended: dict[str, Any]) -> None:
    assert [ended[key] for key in ("status", "total", "completed", "failed", "cancelled", "progress")] == [
        "partial",
        3,
        2,
        1,
        0,
        100,
    ]
    assert ended["created_at"] <= ended["started_at"] <= ended["finished_at"] < ended["expires_at"]


def test_metadata_comes_back_exactly(client: httpx2.Client, ended: dict[str, Any]) -> None:
    assert '"metadata":{"order":9007199254740993,"note":"é"}' in client.get(f"/v1/batches/{ended['id']}").text


def test_items_show_what_became_of_them(client: httpx2.Client, ended: dict[str, Any]) -> None:
    page = items_of(client, ended["id"])
    assert page["next_cursor"] is None
    assert all(set(item) == ITEM_FIELDS for item in page["data"])
    image, pdf, failed = page["data"]
    assert [
        image[key] for key in ("index", "status", "reference", "filename", "format", "width", "height", "pages")
    ] == [
        0,
        "succeeded",
        "row-1",
        "ada.jpg",
        "jpeg",
        120,
        80,
        None,
    ]
    assert [pdf[key] for key in ("status", "reference", "format", "width", "pages")] == [
        "succeeded",
        None,
        "pdf",
        None,
        1,
    ]
    assert [failed[key] for key in ("status", "url", "sha256")] == ["failed", None, None]
    assert "name" in failed["error"]["message"]
    content = httpx2.get(image["url"], trust_env=False, timeout=60).content
    assert (len(content), hashlib.sha256(content).hexdigest()) == (image["bytes"], image["sha256"])
    assert (image["attempts"], image["crashes"]) == (1, 0)


def test_items_show_when_what_was_done(client: httpx2.Client, ended: dict[str, Any]) -> None:
    image, pdf, failed = items_of(client, ended["id"])["data"]
    for item in (image, pdf):
        named = [ended["started_at"], *(item[name] for name in ("queued_at", "claimed_at", "finished_at"))]
        moments = [datetime.fromisoformat(moment) for moment in named]
        assert moments == sorted(moments)
        assert 0 <= item["upload_ms"] <= item["duration_ms"]
    assert failed["upload_ms"] is None


def test_items_are_paged_by_cursor(client: httpx2.Client, ended: dict[str, Any]) -> None:
    first = items_of(client, ended["id"], limit=2)
    second = items_of(client, ended["id"], limit=2, cursor=first["next_cursor"])
    assert [item["index"] for item in first["data"] + second["data"]] == [0, 1, 2]
    assert second["next_cursor"] is None


def test_items_are_filtered_by_status_across_pages(client: httpx2.Client, ended: dict[str, Any]) -> None:
    first = items_of(client, ended["id"], limit=1, status="succeeded")
    second = items_of(client, ended["id"], limit=1, status="succeeded", cursor=first["next_cursor"])
    assert [item["index"] for item in first["data"] + second["data"]] == [0, 1]
    assert second["next_cursor"] is None
    assert [item["index"] for item in items_of(client, ended["id"], status="failed")["data"]] == [2]


@pytest.mark.parametrize(
    ("parameters", "path"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"cursor": "x"}, "cursor"),
        ({"status": "done"}, "status"),
    ],
)
def test_paging_has_bounds(client: httpx2.Client, ended: dict[str, Any], parameters: dict[str, str], path: str) -> None:
    assert envelope_paths(client.get(f"/v1/batches/{ended['id']}/items", params=parameters)) == [path]


def test_a_cancelled_batch_reads_so_at_once(client: httpx2.Client) -> None:
    items = [{"html": HTML, "data": {"name": str(number)}} for number in range(300)]
    batch_id = submit(client, items=items, concurrency=1).json()["id"]
    for _ in range(2):
        answer = client.post(f"/v1/batches/{batch_id}:cancel")
        assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
        assert client.get(f"/v1/batches/{batch_id}").json()["status"] == "cancelled"
    batch = until_ended(client, batch_id)
    assert batch["cancelled"] > 0
    assert batch["completed"] + batch["cancelled"] == 300


def test_cancelling_an_ended_batch_is_a_conflict(client: httpx2.Client, ended: dict[str, Any]) -> None:
    answer = client.post(f"/v1/batches/{ended['id']}:cancel")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CONFLICT")


def test_a_dialects_batch_is_read_natively(client: httpx2.Client) -> None:
    answer = client.post("/v1/generate/batch", json={"items": [{"html": "x"}]})
    batch_id, generation = answer.json()["batch_id"], answer.json()["generations"][0]["id"]
    assert client.get(f"/v1/batches/{batch_id}").json()["total"] == 1
    assert items_of(client, batch_id)["data"][0]["id"] == generation


def test_the_webhook_secret_is_the_accounts(stack: Stack, client: httpx2.Client) -> None:
    secret = client.get("/v1/webhooks/secret").json()["secret"]
    assert secret.startswith("whsec_")
    assert client.get("/v1/webhooks/secret").json() == {"secret": secret}
    with api(stack, account="tests-native-other") as other:
        assert other.get("/v1/webhooks/secret").json()["secret"] != secret


def test_a_batch_without_a_webhook_has_no_deliveries(client: httpx2.Client, ended: dict[str, Any]) -> None:
    assert client.get(f"/v1/batches/{ended['id']}/deliveries").json() == {"data": [], "next_cursor": None}

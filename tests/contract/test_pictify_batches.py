"""Batches in the Pictify dialect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.support.gateway import api, make_template, problem_paths, until_ended
from tests.support.stack import Stack

RESULT_FIELDS = {"index", "success", "url", "width", "height", "format", "bytes", "error"}


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx2.Client]:
    with api(stack, account="tests-pictify") as connected:
        yield connected


@pytest.fixture(scope="module")
def uid(client: httpx2.Client) -> str:
    layouts = {"square": {"width": 100, "height": 100}, "tall": {"html": "<p>{{name}}</p>", "width": 50, "height": 150}}
    return make_template(client, layouts=layouts)


@pytest.fixture(scope="module")
def ended(client: httpx2.Client, uid: str) -> dict[str, Any]:
    """A batch of three rows, the second of which misses its variable."""
    rows = [{"name": "Ada"}, {"nobody": 1}, {"name": "Zoë"}]
    batch = submit(client, uid, variableSets=rows).json()
    return until_ended(client, batch["batchId"])


def submit(client: httpx2.Client, uid: str, **fields: object) -> httpx2.Response:
    return client.post(f"/templates/{uid}/batch-render", json={"variableSets": [{"name": "Ada"}], **fields})


def results(client: httpx2.Client, batch_id: str, **parameters: str | int) -> dict[str, Any]:
    answer = client.get(f"/templates/batch/{batch_id}/results", params=parameters)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_a_submit_is_answered_in_the_dialects_shape(client: httpx2.Client, uid: str) -> None:
    answer = submit(
        client,
        uid,
        variableSets=[{"name": "Ada"}, {"name": "Grace"}],
        format="png",
        quality=0.9,
        concurrency=5,
        webhookUrl="https://example.com/hook",
    )
    assert answer.status_code == 202
    body = answer.json()
    assert set(body) == {"batchId", "status", "totalItems", "message"}
    assert body["batchId"].startswith("batch_")
    assert (body["status"], body["totalItems"]) == ("pending", 2)


def test_results_have_the_dialects_shape(client: httpx2.Client, ended: dict[str, Any]) -> None:
    body = results(client, ended["id"])
    assert {key: body[key] for key in ("status", "progress", "totalItems", "completedItems", "failedItems")} == {
        "status": "partial",
        "progress": 100,
        "totalItems": 3,
        "completedItems": 2,
        "failedItems": 1,
    }
    assert body["createdAt"] <= body["startedAt"] <= body["completedAt"]
    assert body["pagination"] == {"page": 1, "limit": 100, "total": 3, "totalPages": 1, "hasMore": False}
    assert all(set(result) == RESULT_FIELDS for result in body["results"])
    first, second, third = body["results"]
    assert [result["index"] for result in body["results"]] == [0, 1, 2]
    assert (first["success"], first["width"], first["height"], first["format"]) == (True, 300, 200, "png")
    assert (third["success"], third["error"]) == (True, None)
    assert (second["success"], second["url"]) == (False, None)
    assert "name" in second["error"]


def test_a_url_leads_to_the_image(client: httpx2.Client, ended: dict[str, Any]) -> None:
    first = results(client, ended["id"])["results"][0]
    image = httpx2.get(first["url"], trust_env=False, timeout=60)
    assert image.status_code == 200
    assert image.content.startswith(b"\x89PNG")
    assert len(image.content) == first["bytes"]


@pytest.mark.parametrize(
    ("status", "indexes"),
    [
        ("completed", [0, 2]),
        ("succeeded", [0, 2]),
        ("failed", [1]),
        ("cancelled", []),
        ("pending", []),
        ("processing", []),
    ],
)
def test_results_are_filtered_by_status(
    client: httpx2.Client, ended: dict[str, Any], status: str, indexes: list[int]
) -> None:
    body = results(client, ended["id"], status=status)
    assert [result["index"] for result in body["results"]] == indexes
    assert body["pagination"]["total"] == len(indexes)
    assert body["totalItems"] == 3


def test_results_are_paged_by_number(client: httpx2.Client, ended: dict[str, Any]) -> None:
    pages = [results(client, ended["id"], page=page, limit=2) for page in (1, 2, 3)]
    assert [[result["index"] for result in page["results"]] for page in pages] == [[0, 1], [2], []]
    assert [page["pagination"]["hasMore"] for page in pages] == [True, False, False]
    assert pages[0]["pagination"]["totalPages"] == 2
    filtered = results(client, ended["id"], page=2, limit=1, status="completed")
    assert [result["index"] for result in filtered["results"]] == [2]


@pytest.mark.parametrize(
    ("parameters", "path"),
    [
        ({"page": "0"}, "page"),
        ({"page": "x"}, "page"),
        ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"status": "done"}, "status"),
    ],
)
def test_paging_has_bounds(client: httpx2.Client, ended: dict[str, Any], parameters: dict[str, str], path: str) -> None:
    assert problem_paths(client.get(f"/templates/batch/{ended['id']}/results", params=parameters)) == [path]


def test_cancelling_a_finished_batch_is_a_conflict(client: httpx2.Client, ended: dict[str, Any]) -> None:
    answer = client.post(f"/templates/batch/{ended['id']}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")


def test_a_cancel_is_answered_in_the_dialects_shape_and_may_be_repeated(client: httpx2.Client, uid: str) -> None:
    batch_id = submit(client, uid, variableSets=[{"name": str(i)} for i in range(500)], concurrency=1).json()["batchId"]
    for _ in range(2):
        answer = client.post(f"/templates/batch/{batch_id}/cancel")
        assert answer.status_code == 200
        body = answer.json()
        assert set(body) == {"batchId", "status", "message", "completedCount", "cancelledCount"}
        assert (body["batchId"], body["status"]) == (batch_id, "cancelled")
        assert body["completedCount"] + body["cancelledCount"] == 500
        assert results(client, batch_id)["status"] == "cancelled"
    until_ended(client, batch_id)
    last = results(client, batch_id, status="cancelled", limit=1)["results"][0]
    assert (last["success"], last["url"]) == (False, None)
    assert "cancelled" in last["error"]


def test_several_layouts_give_several_files(client: httpx2.Client, uid: str) -> None:
    batch_id = submit(client, uid, layouts=["square", "tall"], format="jpeg").json()["batchId"]
    until_ended(client, batch_id)
    body = results(client, batch_id)
    assert (body["totalItems"], body["completedItems"]) == (1, 1)
    result = body["results"][0]
    assert result["success"] is True
    assert [(file["layout"], file["width"], file["height"], file["format"]) for file in result["results"]] == [
        ("square", 100, 100, "jpeg"),
        ("tall", 50, 150, "jpeg"),
    ]
    assert result["errors"] == []
    for file in result["results"]:
        assert httpx2.get(file["url"], trust_env=False, timeout=60).content.startswith(b"\xff\xd8")


def test_a_row_that_fails_tells_so_for_each_of_several_layouts(client: httpx2.Client, uid: str) -> None:
    batch_id = submit(client, uid, variableSets=[{}], layouts=["square", "tall"]).json()["batchId"]
    until_ended(client, batch_id)
    result = results(client, batch_id)["results"][0]
    assert (result["success"], result["results"]) == (False, [])
    assert [error["layout"] for error in result["errors"]] == ["square", "tall"]
    assert all("name" in error["error"] for error in result["errors"])


def test_a_batch_of_several_layouts_shows_every_file_natively(client: httpx2.Client, uid: str) -> None:
    batch_id = submit(client, uid, layouts=["square", "tall"]).json()["batchId"]
    until_ended(client, batch_id)
    (item,) = client.get(f"/v1/batches/{batch_id}/items").json()["data"]
    assert [(each["layout"], each["width"], each["height"]) for each in item["outputs"]] == [
        ("square", 100, 100),
        ("tall", 50, 150),
    ]
    assert item["url"] == item["outputs"][0]["url"]


def test_one_layout_stands_in_for_the_template(client: httpx2.Client, uid: str) -> None:
    batch_id = submit(client, uid, layout="square", format="webp").json()["batchId"]
    until_ended(client, batch_id)
    result = results(client, batch_id)["results"][0]
    assert (result["success"], result["width"], result["height"], result["format"]) == (True, 100, 100, "webp")
    assert "results" not in result


@pytest.mark.parametrize(
    ("fields", "paths"),
    [
        ({"variableSets": []}, ["variableSets"]),
        ({"variableSets": None}, ["variableSets"]),
        ({"variableSets": {}}, ["variableSets"]),
        ({"variableSets": [{}, 1, {}, "x", None]}, ["variableSets[1]", "variableSets[3]", "variableSets[4]"]),
        ({"variableSets": [{}, {"n": float("9e99")}], "format": "gif"}, ["format"]),
        ({"format": "PNG"}, ["format"]),
        ({"format": 1}, ["format"]),
        ({"quality": 0.09}, ["quality"]),
        ({"quality": 1.01}, ["quality"]),
        ({"quality": "0.5"}, ["quality"]),
        ({"quality": True}, ["quality"]),
        ({"layout": "Square"}, ["layout"]),
        ({"layout": ""}, ["layout"]),
        ({"layout": "a" * 65}, ["layout"]),
        ({"layout": "square\n"}, ["layout"]),
        ({"layout": "square", "layouts": ["tall"]}, ["layouts"]),
        ({"layouts": ["square", "NO"]}, ["layouts[1]"]),
        ({"layouts": ["square", "square"]}, ["layouts"]),
        ({"layouts": [f"l{number}" for number in range(11)]}, ["layouts"]),
        ({"layouts": ["unknown"]}, ["layouts"]),
        ({"concurrency": 0}, ["concurrency"]),
        ({"concurrency": 11}, ["concurrency"]),
        ({"concurrency": 1.5}, ["concurrency"]),
        ({"concurrency": True}, ["concurrency"]),
        ({"webhookUrl": "ftp://example.com"}, ["webhookUrl"]),
        ({"webhookUrl": "https://user@example.com"}, ["webhookUrl"]),
        ({"webhookUrl": "https://example.com/".ljust(2049, "a")}, ["webhookUrl"]),
        ({"format": "gif", "quality": 2, "concurrency": 0}, ["format", "quality", "concurrency"]),
    ],
)
def test_each_bound_is_held(client: httpx2.Client, uid: str, fields: dict[str, object], paths: list[str]) -> None:
    assert problem_paths(submit(client, uid, **fields)) == paths


@pytest.mark.parametrize(
    "fields",
    [
        {"quality": 0.1, "concurrency": 1},
        {"quality": 1, "concurrency": 10},
        {"layouts": []},
        {"layout": None, "webhookUrl": None},
        {"somethingElse": {"ignored": True}},
        {"webhookUrl": "http://example.com/".ljust(2048, "a")},
    ],
)
def test_the_bounds_themselves_are_allowed(client: httpx2.Client, uid: str, fields: dict[str, object]) -> None:
    answer = submit(client, uid, **fields)
    assert answer.status_code == 202, answer.text
    client.post(f"/templates/batch/{answer.json()['batchId']}/cancel")


def test_an_unknown_template_is_not_found(client: httpx2.Client) -> None:
    answer = submit(client, "tmpl_unknown")
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize(("plan", "items"), [("free", 10), ("pro", 100), ("business", 1000), ("enterprise", 10_000)])
def test_the_plan_decides_how_many_rows(stack: Stack, plan: str, items: int) -> None:
    with api(stack, plan, f"tests-rows-{plan}") as client:
        uid = make_template(client)
        rows = [{"name": "x"}] * items
        refused = submit(client, uid, variableSets=[*rows, {}])
        assert (refused.status_code, refused.json()["code"]) == (403, "PLAN_LIMIT_EXCEEDED")
        assert f"{items}" in refused.json()["detail"].replace(",", "")
        accepted = submit(client, uid, variableSets=rows)
        assert (accepted.status_code, accepted.json().get("totalItems")) == (202, items)
        client.post(f"/templates/batch/{accepted.json()['batchId']}/cancel")


def test_a_large_row_is_accepted(client: httpx2.Client, uid: str) -> None:
    answer = submit(client, uid, variableSets=[{"name": "a"}, {"name": "x" * 4_500_000}, {"name": "b"}])
    assert (answer.status_code, answer.json()["totalItems"]) == (202, 3)
    client.post(f"/templates/batch/{answer.json()['batchId']}/cancel")

"""`?dry_run=true` on the batch routes: everything is checked, nothing is rendered or stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.support.gateway import api, make_template
from tests.support.stack import Stack

CARD = "<p>{{name}}</p>"
DRY = {"dry_run": "true"}


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx2.Client]:
    with api(stack, account="tests-dry-runs") as connected:
        yield connected


@pytest.fixture(scope="module")
def uid(client: httpx2.Client) -> str:
    return make_template(client, html=CARD)


def call(dialect: str, uid: str, rows: list[Any], **fields: Any) -> tuple[str, dict[str, Any]]:
    if dialect == "pictify":
        return f"/templates/{uid}/batch-render", {"variableSets": rows, **fields}
    if dialect == "deckle":
        return "/v1/generate/batch", {"items": [{"template": uid, "data": row} for row in rows], **fields}
    return "/v1/batches", {"defaults": {"template": uid}, "items": [{"data": row} for row in rows], **fields}


def check(client: httpx2.Client, path: str, body: Any) -> dict[str, Any]:
    answer = client.post(path, params=DRY, json=body)
    assert answer.status_code == 200, answer.text
    report: dict[str, Any] = answer.json()
    assert set(report) == {"valid", "items", "errors", "warnings", "estimated_seconds"}
    assert report["valid"] == (not report["errors"])
    return report


def paths(report: dict[str, Any]) -> list[str]:
    return [error["path"] for error in report["errors"]]


@pytest.mark.parametrize("dialect", ["pictify", "deckle", "native"])
def test_a_sound_batch_is_valid_and_not_created(client: httpx2.Client, uid: str, dialect: str) -> None:
    before = client.get("/v1/batches").json()
    report = check(client, *call(dialect, uid, [{"name": "a"}] * 3))
    assert (report["valid"], report["items"], report["errors"], report["warnings"]) == (True, 3, [], [])
    assert report["estimated_seconds"] > 0
    assert client.get("/v1/batches").json() == before


@pytest.mark.parametrize(
    ("dialect", "row"), [("pictify", "variableSets[1]"), ("deckle", "items[1].data"), ("native", "items[1].data")]
)
def test_rows_that_do_not_fit_are_named_as_in_the_request(
    client: httpx2.Client, uid: str, dialect: str, row: str
) -> None:
    report = check(client, *call(dialect, uid, [{"name": "a"}, {}]))
    assert (report["items"], report["errors"]) == (2, [{"path": f"{row}.name", "message": "is missing"}])


@pytest.mark.parametrize(
    ("dialect", "fields", "expected"),
    [
        ("pictify", {"quality": 5, "format": "gif"}, ["format", "quality"]),
        ("pictify", {"layout": "story"}, ["layout"]),
        ("deckle", {"webhook": "ftp://x"}, ["webhook"]),
        ("native", {"concurrency": 11, "items": [{}, 5]}, ["items[1]", "concurrency"]),
        ("native", {"defaults": {}}, ["items[0]"]),
        ("native", {"surprise": 1}, ["surprise"]),
    ],
)
def test_options_at_fault_are_named_as_in_the_request(
    client: httpx2.Client, uid: str, dialect: str, fields: dict[str, Any], expected: list[str]
) -> None:
    path, body = call(dialect, uid, [{"name": "a"}])
    report = check(client, path, {**body, **fields})
    assert sorted(paths(report)) == sorted(expected)
    assert report["items"] == len(fields.get("items", [1]))


def test_templates_that_are_not_there_are_named(client: httpx2.Client) -> None:
    body = {"items": [{"template": "tmpl_a", "data": {}}, {"html": "<p>"}, {"template": "tmpl_b"}]}
    assert paths(check(client, "/v1/generate/batch", body)) == ["items[0].template", "items[2].template"]
    native = {"defaults": {"template": "tmpl_a"}, "items": [{}, {}]}
    assert paths(check(client, "/v1/batches", native)) == ["defaults.template"]
    unknown = client.post("/templates/tmpl_a/batch-render", params=DRY, json={"variableSets": [{}]})
    assert unknown.status_code == 404


def test_the_plans_limit_is_a_fault(stack: Stack) -> None:
    with api(stack, "free", account="tests-dry-runs-free") as client:
        report = check(client, *call("pictify", make_template(client, html=CARD), [{"name": "a"}] * 10 + [{}]))
    assert paths(report) == ["variableSets", "variableSets[10].name"]
    assert "10 items" in report["errors"][0]["message"]


def test_warnings_of_items_are_reported(client: httpx2.Client, uid: str) -> None:
    body = {"items": [{"template": uid, "html": "<p>", "data": {"name": "a"}}]}
    report = check(client, "/v1/generate/batch", body)
    assert report["valid"]
    assert report["warnings"] == ["items[0]: Only template was rendered; html beside it was ignored."]


def test_a_dry_run_uses_no_idempotency_key(client: httpx2.Client, uid: str) -> None:
    path, body = call("native", uid, [{"name": "a"}])
    headers = {"Idempotency-Key": "dry"}
    assert client.post(path, params=DRY, json=body, headers=headers).status_code == 200
    assert client.post(path, json=body, headers=headers).status_code == 202


def test_what_is_no_request_is_refused_all_the_same(client: httpx2.Client, uid: str) -> None:
    path, body = call("native", uid, [{"name": "a"}])
    for params in ({"dry_run": "perhaps"}, {"dry_run": "true", "reject_invalid": "perhaps"}):
        assert client.post(path, params=params, json=body).status_code == 400
    assert client.post(path, params=DRY, content=b"{", headers={"Content-Type": "application/json"}).status_code == 400
    assert client.post("/v1/batches", params={"dry_run": "false"}, json={"items": []}).status_code == 400

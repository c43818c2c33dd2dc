"""GET /v1/generations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.support.gateway import api, envelope_paths, make_template, until_ended
from tests.support.stack import Stack


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx2.Client]:
    with api(stack, account="tests-generations") as connected:
        yield connected


@pytest.fixture(scope="module")
def made(client: httpx2.Client) -> dict[str, Any]:
    """A batch of Deckle's of which one item fails, a single PDF as base64, and a batch of Pictify's."""
    items = [{"html": "<p>{{name}}</p>", "data": data} for data in ({"name": "a"}, {}, {"name": "c"})]
    deckle = client.post("/v1/generate/batch", json={"items": items}).json()
    until_ended(client, deckle["batch_id"])
    single = client.post("/v1/generate", json={"html": "<p>one</p>", "output": "base64"}).json()
    template = make_template(client)
    pictify = client.post(f"/templates/{template}/batch-render", json={"variableSets": [{"name": "x"}] * 2}).json()
    until_ended(client, pictify["batchId"])
    return {"deckle": deckle, "single": single, "pictify": pictify["batchId"], "template": template}


def rows(client: httpx2.Client, **params: Any) -> list[dict[str, Any]]:
    """All of them, in pages of two."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = client.get("/v1/generations", params={"limit": 2, **params, **cursor})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["data"]) <= 2
        found += page["data"]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


def test_all_items_of_the_account_newest_batch_first(client: httpx2.Client, made: dict[str, Any]) -> None:
    found = rows(client)
    listed = [generation["id"] for generation in made["deckle"]["generations"]]
    assert [(row["batch_id"], row["index"]) for row in found[:2]] == [(made["pictify"], 0), (made["pictify"], 1)]
    assert [row["id"] for row in found[2:]] == [made["single"]["id"], *listed]
    assert [row["input_type"] for row in found] == ["template", "template", *["html"] * 4]
    assert [row["status"] for row in found[3:]] == ["completed", "failed", "completed"]


def test_a_row_is_the_generation_without_its_bytes(client: httpx2.Client, made: dict[str, Any]) -> None:
    by_id = {row["id"]: row for row in rows(client)}
    for generation in made["deckle"]["generations"]:
        assert by_id[generation["id"]] == client.get(f"/v1/generations/{generation['id']}").json()
    single = client.get(f"/v1/generations/{made['single']['id']}").json()
    assert single["data"]
    assert by_id[made["single"]["id"]] == {**single, "data": None}


def test_filters(client: httpx2.Client, made: dict[str, Any]) -> None:
    deckle = made["deckle"]["batch_id"]
    assert [row["index"] for row in rows(client, status="failed")] == [1]
    assert [row["index"] for row in rows(client, status="completed", batch_id=deckle)] == [0, 2]
    assert {row["batch_id"] for row in rows(client, template_id=made["template"])} == {made["pictify"]}
    assert rows(client, status="queued") == rows(client, status="processing") == rows(client, status="cancelled") == []


def test_a_page_has_20_unless_told_otherwise_and_100_at_most(client: httpx2.Client, made: dict[str, Any]) -> None:
    items = [{"html": "<p>x</p>"}] * 21
    batch_id = client.post("/v1/generate/batch", json={"items": items}).json()["batch_id"]
    page = client.get("/v1/generations", params={"batch_id": batch_id}).json()
    assert len(page["data"]) == 20
    assert page["next_cursor"]
    assert len(client.get("/v1/generations", params={"batch_id": batch_id, "limit": 100}).json()["data"]) == 21
    for limit in (0, 101):
        assert envelope_paths(client.get("/v1/generations", params={"limit": limit})) == ["limit"]


def test_wrong_parameters_are_named(client: httpx2.Client) -> None:
    assert envelope_paths(client.get("/v1/generations", params={"cursor": "x"})) == ["cursor"]
    assert envelope_paths(client.get("/v1/generations", params={"status": "done"})) == ["status"]
    assert client.get("/v1/generations", params={"batch_id": "batch_unknown"}).status_code == 404


def test_strangers_see_theirs_alone(stack: Stack, made: dict[str, Any]) -> None:
    with api(stack, account="tests-generations-2") as stranger:
        assert rows(stranger) == []
        params = {"batch_id": made["pictify"]}
        assert stranger.get("/v1/generations", params=params).status_code == 404

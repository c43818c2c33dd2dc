"""Templates in the Pictify dialect, and the same ones in the other."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from tests.support.gateway import CARD, api, make_template, problem_paths
from tests.support.stack import Stack


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx2.Client]:
    with api(stack, account="tests-templates") as connected:
        yield connected


def test_a_template_is_created_whole(client: httpx2.Client) -> None:
    fields = {
        "name": "Card é",
        "html": CARD,
        "width": 600,
        "height": 400,
        "layouts": {"square": {"html": "<i>{{name}}</i>", "width": 300, "height": 300}, "wide": {"width": 900}},
        "missing": "empty",
        "styles": "h1 { color: red }",
    }
    answer = client.post("/templates", json={**fields, "somethingElse": 1})
    assert answer.status_code == 201
    template = answer.json()
    assert template["id"] == template["uid"]
    assert template["id"].startswith("tmpl_")
    assert template["version"] == 1
    assert template["createdAt"].endswith("Z")
    assert {key: template[key] for key in ("name", "html", "width", "height", "missing", "styles")} == {
        key: fields[key] for key in ("name", "html", "width", "height", "missing", "styles")
    }
    assert template["layouts"] == {
        "square": {"html": "<i>{{name}}</i>", "width": 300, "height": 300},
        "wide": {"html": None, "width": 900, "height": 400},
    }
    assert client.get(f"/templates/{template['uid']}").json() == template


def test_only_html_is_required(client: httpx2.Client) -> None:
    template = client.post("/templates", json={"html": "<p>"}).json()
    assert (template["width"], template["height"], template["missing"]) == (1200, 630, "error")
    assert problem_paths(client.post("/templates", json={"name": "x"})) == ["html"]


def test_a_change_makes_a_new_version(client: httpx2.Client) -> None:
    uid = make_template(client)
    changed = client.put(f"/templates/{uid}", json={"html": "<p>new</p>", "width": 50})
    assert changed.status_code == 200
    assert [changed.json()[key] for key in ("uid", "version", "html", "width")] == [uid, 2, "<p>new</p>", 50]
    assert client.get(f"/templates/{uid}").json()["version"] == 2
    assert client.put("/templates/tmpl_unknown", json={"html": "x"}).status_code == 404


def test_a_deleted_template_is_gone(client: httpx2.Client) -> None:
    uid = make_template(client)
    deleted = client.delete(f"/templates/{uid}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert client.get(f"/templates/{uid}").status_code == 404
    assert client.delete(f"/templates/{uid}").status_code == 404
    assert client.post(f"/templates/{uid}/batch-render", json={"variableSets": [{}]}).status_code == 404


def test_both_dialects_share_one_store(client: httpx2.Client) -> None:
    uid = make_template(client, name="shared")
    template = client.get(f"/v1/templates/{uid}").json()
    assert (template["id"], template["uid"], template["name"], template["html"]) == (uid, uid, "shared", CARD)
    assert "created_at" in template
    made = client.post("/v1/templates", json={"name": "other way", "html": "<p>"})
    assert made.status_code == 201
    assert client.get(f"/templates/{made.json()['id']}").json()["name"] == "other way"
    assert client.put(f"/v1/templates/{uid}", json={"html": "<b>"}).json()["version"] == 2
    assert client.delete(f"/v1/templates/{uid}").status_code == 204
    assert client.get(f"/templates/{uid}").status_code == 404


@pytest.mark.parametrize(
    ("path", "field", "cursor"), [("/templates", "templates", "nextCursor"), ("/v1/templates", "data", "next_cursor")]
)
def test_lists_are_paged_newest_first(stack: Stack, path: str, field: str, cursor: str) -> None:
    with api(stack, account=f"tests-paging-{field}") as client:
        made = [make_template(client, name=str(number)) for number in range(5)]
        found: list[str] = []
        parameters: dict[str, str | int] = {"limit": 2}
        for _ in range(3):
            page = client.get(path, params=parameters).json()
            assert all("html" not in template for template in page[field])
            found += [template["id"] for template in page[field]]
            parameters["cursor"] = page[cursor]
    assert found == made[::-1]
    assert page[cursor] is None


@pytest.mark.parametrize("limit", ["0", "1001", "x", "-1"])
def test_a_page_has_1_to_1000_templates(client: httpx2.Client, limit: str) -> None:
    assert problem_paths(client.get("/templates", params={"limit": limit})) == ["limit"]


def test_a_cursor_comes_from_an_earlier_page(client: httpx2.Client) -> None:
    assert problem_paths(client.get("/templates", params={"cursor": "x"})) == ["cursor"]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"html": ""}, "html"),
        ({"html": 5}, "html"),
        ({"html": "x" * 5_000_001}, "html"),
        ({"html": "é" * 2_500_001}, "html"),
        ({"name": "n" * 257}, "name"),
        ({"width": 0}, "width"),
        ({"width": 4001}, "width"),
        ({"width": "300"}, "width"),
        ({"width": 1.5}, "width"),
        ({"height": -1}, "height"),
        ({"missing": "ignore"}, "missing"),
        ({"styles": 1}, "styles"),
        ({"layouts": []}, "layouts"),
        ({"layouts": {"Square": {}}}, "layouts.Square"),
        ({"layouts": {"a" * 65: {}}}, "layouts." + "a" * 65),
        ({"layouts": {"a": {"width": 0}}}, "layouts.a.width"),
        ({"layouts": {"a": {"height": 4001}}}, "layouts.a.height"),
        ({"layouts": {"a": {"html": "x" * 5_000_001}}}, "layouts.a.html"),
        ({"layouts": {str(number): {} for number in range(51)}}, "layouts"),
    ],
)
def test_each_bound_is_held(client: httpx2.Client, fields: dict[str, object], path: str) -> None:
    assert problem_paths(client.post("/templates", json={"html": "<p>", **fields})) == [path]


@pytest.mark.parametrize(
    "fields",
    [{"html": "x" * 5_000_000}, {"name": "n" * 256}, {"width": 4000, "height": 1}, {"layouts": {"a" * 64: {}}}],
)
def test_the_bounds_themselves_are_allowed(client: httpx2.Client, fields: dict[str, object]) -> None:
    assert client.post("/templates", json={"html": "<p>", **fields}).status_code == 201


def test_all_violations_are_reported(client: httpx2.Client) -> None:
    answer = client.post("/templates", json={"name": 1, "width": 0, "layouts": {"a": {"width": 0, "height": 0}}})
    assert problem_paths(answer) == ["name", "html", "width", "layouts.a.width", "layouts.a.height"]

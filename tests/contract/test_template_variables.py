"""Variables of templates over REST: listed, declared, and held against every row."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.support.gateway import api, envelope_paths, make_template, problem_paths, until_ended
from tests.support.stack import Stack

INVOICE = """<h1>{{customer.name}}</h1>
{{#each items}}<p>{{name}}: {{currency price}}</p>{{/each}}
{{#if note}}<i>{{note}}</i>{{/if}}"""
VARIABLES = [
    ("customer", "object", True, 1),
    ("customer.name", "unknown", True, 1),
    ("items", "array", True, 2),
    ("items[].name", "unknown", True, 2),
    ("items[].price", "number", True, 2),
    ("note", "unknown", False, 3),
]
ROW: dict[str, Any] = {"customer": {"name": "Ada"}, "items": [{"name": "Tea", "price": 2.5}]}
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx2.Client]:
    with api(stack, account="tests-variables") as connected:
        yield connected


def test_variables_are_listed_from_the_template_itself(client: httpx2.Client) -> None:
    answer = client.post("/templates", json={"name": "invoice", "html": INVOICE})
    assert answer.status_code == 201, answer.text
    template = answer.json()
    assert (template["status"], template["errors"]) == ("ready", [])
    assert [(each["name"], each["type"], each["required"], each["line"]) for each in template["variables"]] == VARIABLES
    assert {(each["default"], each["description"]) for each in template["variables"]} == {(None, None)}
    assert client.get(f"/templates/{template['uid']}").json() == template
    assert client.get(f"/v1/templates/{template['uid']}").json()["variables"] == template["variables"]
    read = client.get(f"/templates/{template['uid']}/variables").json()
    assert read == {key: template[key] for key in ("uid", "id", "version", "status", "variables")}
    listed = client.get("/templates", params={"limit": 1}).json()["templates"][0]
    assert listed["variables"] == template["variables"]
    assert client.get("/templates/tmpl_unknown/variables").status_code == 404


@pytest.mark.parametrize(
    ("fields", "path", "line"),
    [
        ({"html": "a\n{{#if x}}\n"}, "html", "line 2"),
        ({"html": "a\n{{shout x}}"}, "html", "line 2"),
        ({"html": "ok", "layouts": {"story": {"html": "{{"}}}, "layouts.story.html", "line 1"),
    ],
)
def test_what_is_not_handlebars_is_400_with_the_line(
    client: httpx2.Client, fields: dict[str, Any], path: str, line: str
) -> None:
    answer = client.post("/templates", json=fields)
    assert problem_paths(answer) == [path]
    assert line in answer.json()["errors"][0]["message"]
    assert envelope_paths(client.post("/v1/templates", json=fields)) == [path]
    uid = make_template(client)
    assert problem_paths(client.put(f"/templates/{uid}", json=fields)) == [path]
    assert client.get(f"/templates/{uid}").json()["version"] == 1


def test_layouts_with_html_of_their_own_add_variables(client: httpx2.Client) -> None:
    layouts = {"story": {"html": "{{name}} {{subtitle}}"}, "wide": {"width": 900}}
    template = client.post("/templates", json={"html": "{{name}}", "layouts": layouts}).json()
    assert [each["name"] for each in template["variables"]] == ["name", "subtitle"]


def test_declared_variables_win_over_found_ones(client: httpx2.Client) -> None:
    declared = [
        {"name": "total", "type": "number", "description": "In euros"},
        {"name": "name", "default": "friend"},
        {"name": "extra", "type": "array", "required": True},
    ]
    template = client.post("/templates", json={"html": "{{name}} {{total}}", "variables": declared}).json()
    assert template["variables"] == [
        {"name": "total", "type": "number", "required": True, "default": None, "description": "In euros", "line": 1},
        {"name": "name", "type": "unknown", "required": False, "default": "friend", "description": None, "line": 1},
        {"name": "extra", "type": "array", "required": True, "default": None, "description": None, "line": None},
    ]
    uid = template["uid"]
    again = client.put(f"/templates/{uid}", json=client.get(f"/templates/{uid}").json())
    assert again.status_code == 200, again.text
    assert again.json()["variables"] == template["variables"]


@pytest.mark.parametrize(
    ("variables", "path"),
    [
        ({}, "variables"),
        ([{}], "variables[0].name"),
        ([{"name": ""}], "variables[0].name"),
        ([{"name": "a..b"}], "variables[0].name"),
        ([{"name": "x" * 257}], "variables[0].name"),
        ([{"name": "a"}, {"name": "a"}], "variables[1].name"),
        ([{"name": "a", "type": "date"}], "variables[0].type"),
        ([{"name": "a", "required": "yes"}], "variables[0].required"),
        ([{"name": "a", "type": "number", "default": "1"}], "variables[0].default"),
        ([{"name": "a", "type": "string", "default": 1}], "variables[0].default"),
        ([{"name": "a", "type": "number", "default": True}], "variables[0].default"),
        ([{"name": "a", "default": "x" * 65_536}], "variables[0].default"),
        ([{"name": "a", "description": "x" * 1025}], "variables[0].description"),
        ([{"name": f"v{number}"} for number in range(201)], "variables"),
    ],
)
def test_each_bound_of_a_declaration_is_held(client: httpx2.Client, variables: object, path: str) -> None:
    assert problem_paths(client.post("/templates", json={"html": "<p>", "variables": variables})) == [path]


def test_layouts_together_have_a_bound(client: httpx2.Client) -> None:
    layouts = {f"l{number}": {"html": "x" * 4_900_000} for number in range(3)}
    assert problem_paths(client.post("/templates", json={"html": "x" * 1_000_000, "layouts": layouts})) == ["layouts"]


def test_a_row_that_does_not_fit_fails_alone_and_names_its_variables(client: httpx2.Client) -> None:
    declared = [{"name": "customer.name", "type": "string"}]
    uid = make_template(client, html=INVOICE, variables=declared)
    rows = [ROW, {"customer": {"name": 5}, "items": [{"name": "Tea"}]}, {}]
    answer = client.post(f"/templates/{uid}/batch-render", json={"variableSets": rows})
    assert answer.status_code == 202, answer.text
    batch = until_ended(client, answer.json()["batchId"])
    assert (batch["status"], batch["completed"], batch["failed"]) == ("partial", 1, 2)
    items = client.get(f"/v1/batches/{batch['id']}/items").json()["data"]
    assert [item["attempts"] for item in items] == [1, 0, 0]
    assert {item["error"]["code"] for item in items[1:]} == {"TEMPLATE_ERROR"}
    assert [item["error"]["message"] for item in items[1:]] == [
        f"The row does not fit the template: {faults}."
        for faults in (
            '"customer.name" must be a string, not a number; "items[0].price" is missing',
            '"customer" is missing; "items" is missing',
        )
    ]


@pytest.mark.parametrize("dialect", ["pictify", "deckle", "native"])
def test_reject_invalid_refuses_the_whole_batch_with_400(client: httpx2.Client, dialect: str) -> None:
    uid = make_template(client, html=INVOICE)
    bad = {**ROW, "items": [ROW["items"][0], {"price": 1}]}
    path, body, row = call(dialect, uid, [ROW, bad])
    answer = client.post(path, params={"reject_invalid": "true"}, json=body)
    read = problem_paths if dialect == "pictify" else envelope_paths
    assert read(answer) == [f"{row}.items[1].name"]
    path, body, _ = call(dialect, uid, [ROW])
    assert client.post(path, params={"reject_invalid": "true"}, json=body).status_code == 202
    path, body, _ = call(dialect, uid, [ROW, bad])
    assert client.post(path, params={"reject_invalid": "false"}, json=body).status_code == 202


def call(dialect: str, uid: str, rows: list[Any]) -> tuple[str, dict[str, Any], str]:
    """A batch route, a body for it, and the path of its second row."""
    if dialect == "pictify":
        return f"/templates/{uid}/batch-render", {"variableSets": rows}, "variableSets[1]"
    if dialect == "deckle":
        return "/v1/generate/batch", {"items": [{"template": uid, "data": row} for row in rows]}, "items[1].data"
    return "/v1/batches", {"defaults": {"template": uid}, "items": [{"data": row} for row in rows]}, "items[1].data"


def test_names_in_rows_are_the_callers_own(client: httpx2.Client) -> None:
    uid = make_template(client, html="{{source}} {{output.image.width}} {{html}}")
    body = {"defaults": {"template": uid}, "items": [{"data": {"output": {"image": {}}}}]}
    answer = client.post("/v1/batches", params={"reject_invalid": True}, json=body)
    assert envelope_paths(answer) == ["items[0].data.source", "items[0].data.output.image.width", "items[0].data.html"]


def test_missing_empty_renders_rows_that_leave_variables_out(client: httpx2.Client) -> None:
    uid = make_template(client, html=INVOICE, missing="empty")
    answer = client.post(f"/templates/{uid}/batch-render", json={"variableSets": [{}]})
    assert until_ended(client, answer.json()["batchId"])["status"] == "completed"


def test_defaults_fill_rows_before_they_are_rendered(client: httpx2.Client) -> None:
    colours = [{"name": "colour", "default": "#ff0000"}]
    html = "<body style='margin:0;background:{{colour}}'>"
    uid = make_template(client, html=html, variables=colours)
    rows = [{}, {"colour": "#ff0000"}, {"colour": "#00ff00"}]
    answer = client.post(f"/templates/{uid}/batch-render", json={"variableSets": rows})
    batch = until_ended(client, answer.json()["batchId"])
    digests = [item["sha256"] for item in client.get(f"/v1/batches/{batch['id']}/items").json()["data"]]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("path", ["/templates", "/v1/templates"])
def test_old_versions_can_be_read_until_the_template_is_deleted(client: httpx2.Client, path: str) -> None:
    first = client.post(path, json={"html": "{{a}}", "name": "one"}).json()
    url = f"{path}/{first['id']}"
    second = client.put(url, json={"html": "{{b}}", "name": "two"}).json()
    assert client.get(url, params={"version": 1}).json() == first
    assert client.get(url, params={"version": 2}).json() == second == client.get(url).json()
    assert client.get(url, params={"version": 3}).status_code == 404
    assert client.get(url, params={"version": 0}).status_code == 400
    variables = client.get(f"/templates/{first['id']}/variables", params={"version": 1}).json()
    assert [each["name"] for each in variables["variables"]] == ["a"]
    assert client.delete(url).status_code == 204
    assert client.get(url, params={"version": 1}).status_code == 404


@pytest.mark.parametrize("path", ["/templates", "/v1/templates"])
def test_creating_a_template_can_be_repeated_with_an_idempotency_key(client: httpx2.Client, path: str) -> None:
    headers = {**JSON, "Idempotency-Key": secrets.token_hex(8)}
    body = b'{"html": "<p>{{name}}</p>"}'
    refused = client.post(path, content=b'{"html": "{{"}', headers=headers)
    assert refused.status_code == 400
    first = client.post(path, content=body, headers=headers)
    assert first.status_code == 201
    assert "idempotent-replayed" not in first.headers
    client.put(f"/templates/{first.json()['id']}", json={"html": "changed"})
    again = client.post(path, content=body, headers=headers)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    other = client.post(path, content=body + b" ", headers=headers)
    assert other.status_code == 422
    assert "IDEMPOTENCY_KEY_REUSED" in other.text
    assert client.post(path, content=body, headers={**JSON, "Idempotency-Key": ""}).status_code == 400


def test_a_batch_renders_the_version_it_was_submitted_with(client: httpx2.Client) -> None:
    page = "<body style='margin:0;background:%s'>{{name}}"
    uid = make_template(client, html=page % "red")
    url, body = f"/templates/{uid}/batch-render", {"variableSets": [{"name": ""}] * 8}
    batches = [client.post(url, json=body).json()["batchId"]]
    assert client.put(f"/templates/{uid}", json={"html": page % "lime", "width": 300, "height": 200}).status_code == 200
    batches.append(client.post(url, json=body).json()["batchId"])
    assert client.delete(f"/templates/{uid}").status_code == 204
    ended = [until_ended(client, batch_id) for batch_id in batches]
    assert [(batch["status"], batch["template"]) for batch in ended] == [
        ("completed", {"id": uid, "version": version}) for version in (1, 2)
    ]
    pictures = [
        {item["sha256"] for item in client.get(f"/v1/batches/{batch_id}/items").json()["data"]} for batch_id in batches
    ]
    assert [len(digests) for digests in pictures] == [1, 1]
    assert pictures[0] != pictures[1]

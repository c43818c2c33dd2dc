"""One render, waited for: POST /v1/generate and POST /templates/{uid}/render."""

from __future__ import annotations

import base64
import io
import secrets
from collections.abc import Iterator

import httpx2
import pypdf
import pytest
from PIL import Image

from tests.support.gateway import api, envelope_paths, make_template, problem_paths
from tests.support.stack import Stack

GENERATED = {"id", "status", "pages", "file_size", "generation_time_ms", "error", "warnings"}
RENDERED = {"id", "batchId", "success", "url", "width", "height", "format", "bytes", "error"}
SQUARE = {"html": "<body style='background:#00f'></body>", "width": 64, "height": 64}


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx2.Client]:
    with api(stack, account="tests-singles") as connected:
        yield connected


@pytest.fixture(scope="module")
def card(client: httpx2.Client) -> str:
    """A template with two layouts."""
    tall = {"html": "<p>{{name}} {{also}}</p>", "width": 50, "height": 80}
    return make_template(client, layouts={"square": SQUARE, "tall": tall})


def picture(url: str) -> Image.Image:
    return Image.open(io.BytesIO(httpx2.get(url, trust_env=False, timeout=60).content))


def text(document: bytes) -> str:
    return pypdf.PdfReader(io.BytesIO(document)).pages[0].extract_text()


def test_deckle_generate_answers_with_the_pdf(client: httpx2.Client) -> None:
    request = {"html": "<p>{{name}}</p>", "data": {"name": "Ada"}, "options": {"format": "Letter"}}
    answer = client.post("/v1/generate", json=request)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert set(body) == GENERATED | {"url"}
    assert (body["status"], body["pages"], body["error"]) == ("completed", 1, None)
    document = httpx2.get(body["url"], trust_env=False, timeout=60).content
    assert len(document) == body["file_size"]
    assert text(document).strip() == "Ada"
    assert isinstance(body["generation_time_ms"], int)
    generation = client.get(f"/v1/generations/{body['id']}").json()
    assert {name: generation[name] for name in body} == body


def test_deckle_generate_answers_with_base64(client: httpx2.Client) -> None:
    body = client.post("/v1/generate", json={"html": "<p>inside</p>", "output": "base64"}).json()
    assert set(body) == GENERATED | {"data"}
    assert "inside" in text(base64.b64decode(body["data"], validate=True))


def test_deckle_generate_of_a_template_that_cannot_be_filled(client: httpx2.Client) -> None:
    answer = client.post("/v1/generate", json={"html": "<p>{{name}}</p>", "data": {"other": 1}})
    body = answer.json()
    assert (answer.status_code, body["status"], body["url"]) == (200, "failed", None)
    assert "name" in body["error"]["message"]


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({}, ["body"]),
        ([], ["body"]),
        ({"html": ""}, ["html"]),
        ({"template": "tmpl_unknown"}, ["template"]),
        ({"html": "x", "output": "file", "options": {"format": "A5"}}, ["options.format", "output"]),
        ({"html": "x", "options": {"margin": {"left": "-1cm"}}}, ["options.margin.left"]),
    ],
)
def test_deckle_generate_names_every_field_at_fault(client: httpx2.Client, body: object, paths: list[str]) -> None:
    assert envelope_paths(client.post("/v1/generate", json=body)) == paths


def test_pictify_render_answers_with_the_image(client: httpx2.Client, card: str) -> None:
    answer = client.post(f"/templates/{card}/render", json={"variables": {"name": "Ada"}, "format": "webp"})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert set(body) == RENDERED
    assert (body["success"], body["error"], body["format"]) == (True, None, "webp")
    image = picture(body["url"])
    assert (image.format, image.size) == ("WEBP", (300, 200)) == ("WEBP", (body["width"], body["height"]))


def test_pictify_render_has_the_batch_routes_defaults(client: httpx2.Client) -> None:
    plain = make_template(client, html="<p>nothing to fill</p>")
    assert client.post(f"/templates/{plain}/render", json={}).json()["format"] == "png"


def test_pictify_render_of_one_layout(client: httpx2.Client, card: str) -> None:
    body = client.post(f"/templates/{card}/render", json={"variables": {}, "layout": "square"}).json()
    assert set(body) == RENDERED
    assert (body["width"], body["height"]) == (64, 64)


def test_pictify_render_of_several_layouts(client: httpx2.Client, card: str) -> None:
    request = {"variables": {"name": "Ada", "also": "Bea"}, "layouts": ["square", "tall"]}
    body = client.post(f"/templates/{card}/render", json=request).json()
    assert set(body) == RENDERED | {"results", "errors"}
    assert [(each["layout"], each["width"]) for each in body["results"]] == [("square", 64), ("tall", 50)]
    assert (body["success"], body["errors"]) == (True, [])
    assert [picture(each["url"]).size for each in body["results"]] == [(64, 64), (50, 80)]


def test_pictify_render_that_fails(client: httpx2.Client, card: str) -> None:
    request = {"variables": {"name": "Ada"}, "layouts": ["tall"]}
    answer = client.post(f"/templates/{card}/render", json=request)
    body = answer.json()
    assert (answer.status_code, body["success"], body["url"], body["results"]) == (200, False, None, [])
    assert [each["layout"] for each in body["errors"]] == ["tall"]
    assert "also" in body["errors"][0]["error"]


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ([], ["body"]),
        ({"variables": [1]}, ["variables"]),
        ({"format": "gif", "quality": 2}, ["format", "quality"]),
        ({"layout": "square", "layouts": ["tall"]}, ["layouts"]),
        ({"layout": "nowhere"}, ["layout"]),
    ],
)
def test_pictify_render_names_every_field_at_fault(
    client: httpx2.Client, card: str, body: object, paths: list[str]
) -> None:
    assert problem_paths(client.post(f"/templates/{card}/render", json=body)) == paths


def test_pictify_render_of_an_unknown_template(client: httpx2.Client) -> None:
    answer = client.post("/templates/tmpl_unknown/render", json={})
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


def test_a_repeat_is_answered_byte_for_byte(client: httpx2.Client, card: str) -> None:
    for path, body in [
        ("/v1/generate", {"html": "<p>once</p>"}),
        (f"/templates/{card}/render", {"variables": {"name": "once"}}),
    ]:
        headers = {"Idempotency-Key": secrets.token_hex(8)}
        first, again = (client.post(path, json=body, headers=headers) for _ in range(2))
        assert (again.status_code, again.content) == (200, first.content)
        assert "idempotent-replayed" not in first.headers
        assert again.headers["idempotent-replayed"] == "true"


def test_singles_are_in_no_list_of_batches(stack: Stack) -> None:
    with api(stack, "free", "tests-singles-alone") as client:
        made = client.post("/v1/generate", json={"html": "x"}).json()
        assert client.get("/v1/batches").json()["data"] == []
        batch_id = client.get(f"/v1/generations/{made['id']}").json()["batch_id"]
        assert client.get(f"/v1/batches/{batch_id}").json()["status"] == "completed"

"""Options and warnings of images, from the request to the result."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from PIL import Image

from tests.support.gateway import api, envelope_paths, make_template, problem_paths, until_ended
from tests.support.stack import Stack

CARD = """<style>*{margin:0;font:16px/18px serif}</style><p>{{name}}</p>
<div id="card-{{row}}" style="margin-top:400px;width:80px;height:30px;background:rgba(255,0,0,.5)"></div>"""


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx2.Client]:
    with api(stack, account="tests-image-outputs") as connected:
        yield connected


@pytest.fixture(scope="module")
def template(client: httpx2.Client) -> str:
    return make_template(client, html=CARD)


def picture(result: dict[str, Any]) -> Image.Image:
    found = Image.open(io.BytesIO(httpx2.get(result["url"], trust_env=False).content))
    assert found.size == (result["width"], result["height"])
    return found


def items(client: httpx2.Client, batch_id: str) -> list[dict[str, Any]]:
    until_ended(client, batch_id)
    found: list[dict[str, Any]] = client.get(f"/v1/batches/{batch_id}/items").json()["data"]
    return found


def test_a_native_batch_and_its_retry(client: httpx2.Client, template: str) -> None:
    one = {"format": "png", "selector": "#card-1", "device_scale_factor": 2, "transparent": True}
    page = {"format": "webp", "full_page": True, "height": 10}
    rows: list[dict[str, Any]] = [{"data": {"name": "Ada", "row": row}} for row in (1, 2, 3)]
    rows[2] = {"data": {"name": "", "row": 3}, "output": page}
    body = {"defaults": {"template": template, "output": one}, "items": rows}
    batch_id = client.post("/v1/batches", json=body).json()["id"]
    card, missing, whole = items(client, batch_id)
    assert picture(card).getcolors() == [(160 * 60, (255, 0, 0, 128))]
    assert card["warnings"] == ["BLANK_PAGE: The image has one colour all over."]
    assert picture(whole).size == (300, 430)
    assert whole["warnings"] == ['EMPTY_VARIABLE: "name" on line 1 of the template is empty.']
    message = "No element of the document fits the selector '#card-1'."
    assert (missing["error"]["code"], missing["error"]["message"]) == ("TEMPLATE_ERROR", message)
    retried = client.post(f"/v1/batches/{batch_id}:retry").json()["id"]
    assert [item["error"]["message"] for item in items(client, retried)] == [message]


def test_a_single_render(client: httpx2.Client, template: str) -> None:
    request = {"variables": {"name": "Ada", "row": 1}, "selector": "#card-1", "transparent": True}
    answer = client.post(f"/templates/{template}/render", json=request).json()
    assert answer["success"], answer
    assert picture(answer).size == (80, 30)
    whole = {"variables": {"name": "Ada", "row": 1}, "fullPage": True}
    assert picture(client.post(f"/templates/{template}/render", json=whole).json()).size == (300, 448)


def test_contradictions_are_refused_and_named(client: httpx2.Client, template: str) -> None:
    output = {"format": "jpeg", "selector": "a[", "full_page": True, "transparent": True}
    body = {"defaults": {"html": "x", "output": output}, "items": [{}]}
    named = ["defaults.output.selector", "defaults.output.full_page", "defaults.output.transparent"]
    assert envelope_paths(client.post("/v1/batches", json=body)) == named
    found = client.post("/v1/batches", params={"dry_run": "true"}, json=body).json()
    assert [error["path"] for error in found["errors"]] == named
    camel = {"format": "jpeg", "selector": "a[", "fullPage": True, "transparent": True}
    batch = client.post(f"/templates/{template}/batch-render", json={"variableSets": [{}], **camel})
    assert problem_paths(batch) == ["selector", "fullPage", "transparent"]
    assert problem_paths(client.post(f"/templates/{template}/render", json=camel)) == problem_paths(batch)


def test_images_options_are_not_for_pdfs(client: httpx2.Client) -> None:
    body = {"defaults": {"html": "x", "output": {"format": "pdf", "selector": "p"}}, "items": [{}]}
    assert envelope_paths(client.post("/v1/batches", json=body)) == ["defaults.output.selector"]

"""`tailwind` in every request that has a source."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import httpx2
import pypdf
import pytest
from PIL import Image

from tests.support.gateway import api, envelope_paths, make_template, problem_paths, until_ended
from tests.support.stack import Stack

HALF = "<div class='h-[50px] bg-[#00f] {{more}}'></div>"
BLUE, WHITE = (0, 0, 255), (255, 255, 255)


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx2.Client]:
    with api(stack, account="tests-tailwind") as connected:
        yield connected


def pixel(url: str) -> tuple[int, ...]:
    picture = Image.open(io.BytesIO(httpx2.get(url, trust_env=False).content)).convert("RGB")
    value = picture.getpixel((20, 20))
    assert isinstance(value, tuple)
    return tuple(int(part) for part in value)


def test_a_template_says_whether_it_uses_tailwind(client: httpx2.Client) -> None:
    uid = make_template(client, html=HALF, tailwind=True, styles="@theme { --spacing: 2px }")
    first = client.get(f"/templates/{uid}").json()
    assert (first["tailwind"], first["version"]) == (True, 1)
    assert [variable["name"] for variable in first["variables"]] == ["more"]
    assert client.put(f"/templates/{uid}", json={"html": HALF}).json()["tailwind"] is False
    assert client.get(f"/templates/{uid}", params={"version": 1}).json()["tailwind"] is True
    assert client.get(f"/v1/templates/{uid}").json()["tailwind"] is False


def test_a_template_is_rendered_with_tailwind(client: httpx2.Client) -> None:
    uid = make_template(client, html=HALF, tailwind=True)
    answer = client.post(f"/templates/{uid}/render", json={"variables": {"more": "w-10"}}).json()
    assert pixel(answer["url"]) == BLUE


def test_native_sources_are_rendered_with_tailwind(client: httpx2.Client) -> None:
    plain = make_template(client, html=HALF)
    component = "export default ({ more }: { more: string }) => <div className={`h-[50px] ${more}`} />"
    items: list[dict[str, Any]] = [
        {"data": {"more": "w-20"}},
        {"html": HALF, "tailwind": True},
        {"react": component, "tailwind": True, "data": {"more": "bg-[#00f]"}},
        {"template": plain, "tailwind": True, "data": {"more": ""}},
        {"template": plain, "data": {"more": ""}},
    ]
    output = {"format": "png", "width": 100, "height": 60}
    defaults = {"html": HALF, "tailwind": True, "output": output}
    batch = client.post("/v1/batches", json={"defaults": defaults, "items": items}).json()
    assert until_ended(client, batch["id"])["status"] == "completed"
    made = client.get(f"/v1/batches/{batch['id']}/items").json()["data"]
    assert [pixel(item["url"]) for item in made] == [BLUE, BLUE, BLUE, BLUE, WHITE]


def test_deckle_sources_are_rendered_with_tailwind(client: httpx2.Client) -> None:
    request = {"html": "<p class='break-after-page'>one</p><p>two</p>", "tailwind": True}
    body = client.post("/v1/generate", json=request).json()
    assert (body["status"], body["pages"]) == ("completed", 2), body
    document = pypdf.PdfReader(io.BytesIO(httpx2.get(body["url"], trust_env=False).content))
    assert document.pages[1].extract_text().strip() == "two"


def test_styles_that_do_not_compile_fail_the_item(client: httpx2.Client) -> None:
    request = {"html": "<p>x</p>", "tailwind": True, "styles": "p {\n  @apply no-such-thing;\n}"}
    error = client.post("/v1/generate", json=request).json()["error"]
    assert error["code"] == "COMPILE_ERROR"
    assert "line 2, column 10" in error["message"]


def test_a_dry_run_takes_it(client: httpx2.Client) -> None:
    body = {"defaults": {"html": HALF, "tailwind": True}, "items": [{"data": {"more": ""}}]}
    assert client.post("/v1/batches", params={"dry_run": "true"}, json=body).json()["valid"]


def test_it_is_true_or_false_and_belongs_to_a_source(client: httpx2.Client) -> None:
    assert problem_paths(client.post("/templates", json={"html": "x", "tailwind": "yes"})) == ["tailwind"]
    defaults = {"defaults": {"tailwind": True}, "items": [{"html": "x"}]}
    assert envelope_paths(client.post("/v1/batches", json=defaults)) == ["defaults"]

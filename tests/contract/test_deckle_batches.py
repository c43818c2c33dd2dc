"""Batches of PDFs in the Deckle dialect."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

import httpx2
import pypdf
import pytest

from tests.support.gateway import api, envelope_paths, make_template, until_ended
from tests.support.stack import Stack

GENERATION_FIELDS = {
    "id",
    "batch_id",
    "index",
    "input_type",
    "template_id",
    "status",
    "url",
    "data",
    "pages",
    "file_size",
    "generation_time_ms",
    "error",
    "warnings",
    "created_at",
}
POINTS_PER_MM = 72 / 25.4


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx2.Client]:
    with api(stack, account="tests-deckle") as connected:
        yield connected


def submit(client: httpx2.Client, *items: object, **fields: object) -> httpx2.Response:
    return client.post("/v1/generate/batch", json={"items": items, **fields})


def generated(client: httpx2.Client, *items: object) -> list[dict[str, Any]]:
    """The generations of a batch once it has ended."""
    answer = submit(client, *items)
    assert answer.status_code == 202, answer.text
    until_ended(client, answer.json()["batch_id"])
    return [client.get(f"/v1/generations/{each['id']}").json() for each in answer.json()["generations"]]


def pdf_at(generation: dict[str, Any]) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(httpx2.get(generation["url"], trust_env=False, timeout=60).content))


def test_the_published_example(client: httpx2.Client) -> None:
    template = make_template(client, html="<p>{{company}}: {{total}}</p>")
    answer = submit(
        client,
        {"template": template, "data": {"company": "Acme Corp", "total": 1500}},
        {"template": template, "data": {"company": "Globex Inc", "total": 2300}},
        {
            "html": "<h1>Custom Report</h1><p>Summary data here.</p>",
            "options": {"format": "Letter", "orientation": "landscape"},
        },
        webhook="https://example.com/webhooks/batch-complete",
    )
    assert answer.status_code == 202
    body = answer.json()
    assert set(body) == {"batch_id", "total", "generations", "status"}
    assert body["batch_id"].startswith("batch_")
    assert (body["total"], body["status"]) == (3, "queued")
    assert [set(each) for each in body["generations"]] == [{"id", "index"}] * 3
    assert [each["index"] for each in body["generations"]] == [0, 1, 2]
    assert all(each["id"].startswith("gen_") for each in body["generations"])

    until_ended(client, body["batch_id"])
    first, _, third = (client.get(f"/v1/generations/{each['id']}").json() for each in body["generations"])
    assert set(first) == GENERATION_FIELDS
    assert {key: first[key] for key in ("batch_id", "index", "input_type", "template_id", "status", "error")} == {
        "batch_id": body["batch_id"],
        "index": 0,
        "input_type": "template",
        "template_id": template,
        "status": "completed",
        "error": None,
    }
    assert "Acme Corp: 1500" in pdf_at(first).pages[0].extract_text()
    assert (third["input_type"], third["template_id"], third["pages"]) == ("html", None, 1)
    box = pdf_at(third).pages[0].mediabox
    assert (round(box.width), round(box.height)) == (792, 612)


def test_a_fresh_generation_is_queued_or_on_its_way(client: httpx2.Client) -> None:
    answer = submit(client, {"html": "x"})
    generation = client.get(f"/v1/generations/{answer.json()['generations'][0]['id']}").json()
    assert set(generation) == GENERATION_FIELDS
    assert generation["status"] in {"queued", "processing", "completed"}


def test_papers_margins_and_sizes_reach_the_page(client: httpx2.Client) -> None:
    made = generated(
        client,
        {"html": "a"},
        {"html": "b", "options": {"format": "Legal"}},
        {"html": "c", "options": {"format": {"width": "100mm", "height": "50mm"}, "margin": {"top": "5mm"}}},
    )
    boxes = [pdf_at(each).pages[0].mediabox for each in made]
    assert [(round(box.width / POINTS_PER_MM), round(box.height / POINTS_PER_MM)) for box in boxes] == [
        (210, 297),
        (216, 356),
        (100, 50),
    ]


def test_data_fills_html_only_when_it_is_given(client: httpx2.Client) -> None:
    filled, literal = generated(
        client, {"html": "<p>{{name}}</p>", "data": {"name": "Ada"}}, {"html": "<p>{{name}}</p>"}
    )
    assert pdf_at(filled).pages[0].extract_text().strip() == "Ada"
    assert pdf_at(literal).pages[0].extract_text().strip() == "{{name}}"


def test_base64_comes_back_in_the_generation(client: httpx2.Client) -> None:
    (generation,) = generated(client, {"html": "<p>inline</p>", "output": "base64"})
    assert generation["url"] is None
    document = base64.b64decode(generation["data"], validate=True)
    assert len(document) == generation["file_size"]
    assert "inline" in pypdf.PdfReader(io.BytesIO(document)).pages[0].extract_text()


def test_a_failed_generation_says_why(client: httpx2.Client) -> None:
    (generation,) = generated(client, {"html": "<p>{{name}}</p>", "data": {"other": 1}})
    assert (generation["status"], generation["url"]) == ("failed", None)
    assert set(generation["error"]) == {"code", "message"}
    assert "name" in generation["error"]["message"]


def test_of_several_sources_the_template_wins_with_a_warning(client: httpx2.Client) -> None:
    template = make_template(client, html="<p>from the template</p>")
    (generation,) = generated(client, {"template": template, "html": "<p>from html</p>", "data": {}})
    assert generation["input_type"] == "template"
    assert len(generation["warnings"]) == 1
    assert "from the template" in pdf_at(generation).pages[0].extract_text()


COMPONENT = """
type Props = { company: string; lines: { what: string; price: number }[] };
export default function Invoice({ company, lines }: Props) {
  return <main><h1>{company}</h1>{lines.map((line) => <p key={line.what}>{line.what}: {line.price}</p>)}</main>;
}
"""


def test_a_component_is_given_its_data_as_props(client: httpx2.Client) -> None:
    data = {"company": "Acme Corp", "lines": [{"what": "Paper", "price": 7}]}
    (generation,) = generated(client, {"react": COMPONENT, "data": data, "styles": "h1 { font-size: 30px }"})
    assert (generation["status"], generation["input_type"]) == ("completed", "react")
    text = pdf_at(generation).pages[0].extract_text()
    assert "Acme Corp" in text
    assert "Paper: 7" in text


def test_a_component_that_does_not_compile_fails_with_its_line(client: httpx2.Client) -> None:
    (generation,) = generated(client, {"react": "const a = 1;\nconst = 2;\nexport default () => <p/>"})
    assert (generation["status"], generation["error"]["code"]) == ("failed", "COMPILE_ERROR")
    assert "line 2" in generation["error"]["message"]


@pytest.mark.parametrize("count", [0, 101])
@pytest.mark.parametrize("plan", ["free", "enterprise"])
def test_a_batch_has_1_to_100_items(stack: Stack, plan: str, count: int) -> None:
    with api(stack, plan, f"tests-deckle-{plan}") as client:
        assert envelope_paths(submit(client, *[{"html": "x"}] * count)) == ["items"]


def test_100_items_are_accepted(client: httpx2.Client) -> None:
    answer = submit(client, *[{"html": "x"}] * 100)
    assert (answer.status_code, answer.json()["total"]) == (202, 100)
    client.post(f"/v1/batches/{answer.json()['batch_id']}:cancel")


def test_the_plan_limit_applies_as_well(stack: Stack) -> None:
    with api(stack, "free", "tests-deckle-free") as client:
        answer = submit(client, *[{"html": "x"}] * 11)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "PLAN_LIMIT_EXCEEDED")


@pytest.mark.parametrize(
    ("item", "paths"),
    [
        ({}, ["items[1]"]),
        ({"data": {}}, ["items[1]"]),
        ("html", ["items[1]"]),
        (None, ["items[1]"]),
        ({"html": ""}, ["items[1].html"]),
        ({"html": 1}, ["items[1].html"]),
        ({"html": "x" * 5_000_001}, ["items[1].html"]),
        ({"template": "tmpl_unknown"}, ["items[1].template"]),
        ({"html": "x", "data": []}, ["items[1].data"]),
        ({"html": "x", "data": "a"}, ["items[1].data"]),
        ({"html": "x", "styles": 1}, ["items[1].styles"]),
        ({"html": "x", "output": "file"}, ["items[1].output"]),
        ({"html": "x", "options": []}, ["items[1].options"]),
        ({"html": "x", "options": {"format": "A5"}}, ["items[1].options.format"]),
        ({"html": "x", "options": {"format": 5}}, ["items[1].options.format"]),
        ({"html": "x", "options": {"format": {"width": "1in"}}}, ["items[1].options.format.height"]),
        (
            {"html": "x", "options": {"format": {"width": "0in", "height": "1em"}}},
            ["items[1].options.format.width", "items[1].options.format.height"],
        ),
        ({"html": "x", "options": {"margin": "wide"}}, ["items[1].options.margin"]),
        ({"html": "x", "options": {"margin": {"left": "-1cm"}}}, ["items[1].options.margin.left"]),
        ({"html": "x", "options": {"orientation": "diagonal"}}, ["items[1].options.orientation"]),
        ({"html": "x", "options": {"printBackground": "yes"}}, ["items[1].options.printBackground"]),
        ({"html": "x", "options": {"header": 1, "footer": 2}}, ["items[1].options.header", "items[1].options.footer"]),
    ],
)
def test_each_bound_is_held(client: httpx2.Client, item: object, paths: list[str]) -> None:
    assert envelope_paths(submit(client, {"html": "fine"}, item)) == paths


def test_violations_of_all_items_are_reported(client: httpx2.Client) -> None:
    answer = submit(client, {}, {"html": "x"}, {"html": "x", "output": "no"}, {"react": 1}, webhook="nowhere")
    assert envelope_paths(answer) == ["items[0]", "items[2].output", "items[3].react", "webhook"]


def test_unknown_fields_are_ignored(client: httpx2.Client) -> None:
    answer = submit(client, {"html": "x", "priority": 1, "options": {"scale": 2}}, tags=["a"])
    assert answer.status_code == 202


def test_usage_tells_plan_limits_and_what_runs(client: httpx2.Client) -> None:
    body = client.get("/v1/usage").json()
    assert body["account_id"] == "tests-deckle"
    assert body["plan"] == "enterprise"
    assert body["limits"] == {
        "items_per_batch": 10_000,
        "concurrent_batches": None,
        "requests_per_minute": 10_000,
        "renders_per_month": None,
    }
    assert isinstance(body["running_batches"], int)


@pytest.mark.parametrize(
    ("plan", "limits"),
    [("free", (10, 1, 60, 1_000)), ("pro", (100, 3, 300, 10_000)), ("business", (1_000, 10, 1_000, 100_000))],
)
def test_the_limits_of_each_plan(stack: Stack, plan: str, limits: tuple[int, int, int, int]) -> None:
    with api(stack, plan, f"tests-usage-{plan}") as client:
        answer = client.get("/v1/usage")
    assert tuple(answer.json()["limits"].values()) == limits
    assert answer.headers["x-ratelimit-limit"] == str(limits[2])

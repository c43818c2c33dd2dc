"""The Deckle contract, row by row: what the other tests of this folder do not hold (README.md says which do)."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx2
import pypdf
import pytest
from PIL import Image

from tests.support.gateway import api, make_template, until_ended
from tests.support.outcomes import ROWS, Outcome, every_outcome
from tests.support.stack import Stack

GOOD = {"html": "<p>{{name}}</p>", "data": {"name": "Ada"}}
BAD = {"html": "<p>{{name}}</p>", "data": {"nobody": 1}}
COMPONENT = "export default ({ name }: { name: string }) => <p>{name}</p>"
POINTS_PER_MM = 72 / 25.4
# Covers what margins leave of the first page.
BLACK = "<body style='margin:0;background:#000'><p style='color:#000'>x</p></body>"
RASTER_SECONDS = 30


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx2.Client]:
    with api(stack, account="tests-rows-deckle") as connected:
        yield connected


@pytest.fixture(scope="module")
def outcomes(client: httpx2.Client) -> dict[str, Outcome]:
    def submit(rows: str, url: str) -> str:
        body = {"items": [GOOD if row == "g" else BAD for row in rows], "webhook": url}
        answer = client.post("/v1/generate/batch", json=body)
        assert (answer.status_code, answer.json()["status"]) == (202, "queued"), answer.text
        return str(answer.json()["batch_id"])

    return every_outcome(client, submit)


def generated(client: httpx2.Client, *items: object) -> list[dict[str, Any]]:
    """The generations of a batch of items that can all be rendered."""
    answer = client.post("/v1/generate/batch", json={"items": items})
    assert answer.status_code == 202, answer.text
    until_ended(client, answer.json()["batch_id"])
    made = [client.get(f"/v1/generations/{each['id']}").json() for each in answer.json()["generations"]]
    assert [each["status"] for each in made] == ["completed"] * len(items), made
    return made


def bytes_of(generation: dict[str, Any]) -> bytes:
    return httpx2.get(generation["url"], trust_env=False, timeout=60).content


def text_of(generation: dict[str, Any]) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(bytes_of(generation))).pages)


def size_of(generation: dict[str, Any]) -> tuple[int, int]:
    """Width and height of the first page in millimetres."""
    box = pypdf.PdfReader(io.BytesIO(bytes_of(generation))).pages[0].mediabox
    return round(box.width / POINTS_PER_MM), round(box.height / POINTS_PER_MM)


def raster(generation: dict[str, Any]) -> Image.Image:
    """The first page at one pixel a millimetre."""
    done = subprocess.run(
        ["pdftoppm", "-r", "25.4", "-png", "-singlefile", "-"],
        input=bytes_of(generation),
        capture_output=True,
        check=True,
        timeout=RASTER_SECONDS,
    )
    return Image.open(io.BytesIO(done.stdout)).convert("L")


# Item parameters.


@pytest.mark.parametrize("source", ["html", "react", "template"])
def test_item_source_is_filled_with_data_and_styled(client: httpx2.Client, source: str) -> None:
    body = {"html": "<p>{{name}}</p>", "react": COMPONENT, "template": make_template(client, html="<p>{{name}}</p>")}
    styles = "p::after { content: ' with style' }"
    (made,) = generated(client, {source: body[source], "data": {"name": "Ada"}, "styles": styles})
    assert made["input_type"] == source
    assert "Ada with style" in text_of(made)


@pytest.mark.parametrize(
    ("sources", "wins"),
    [(("template", "react", "html"), "template"), (("react", "html"), "react"), (("template", "html"), "template")],
)
def test_item_with_several_sources_takes_the_first_and_warns(
    client: httpx2.Client, sources: tuple[str, ...], wins: str
) -> None:
    body = {"html": "<p>html</p>", "react": COMPONENT, "template": make_template(client, html="<p>{{name}}</p>")}
    (made,) = generated(client, {**{name: body[name] for name in sources}, "data": {"name": "Ada"}})
    assert made["input_type"] == wins
    assert len(made["warnings"]) == 1
    assert "Ada" in text_of(made)


def test_item_output_is_a_url_unless_base64_is_asked_for(client: httpx2.Client) -> None:
    usual, url, inline = generated(client, GOOD, {**GOOD, "output": "url"}, {**GOOD, "output": "base64"})
    assert [(each["url"] is not None, each["data"] is not None) for each in (usual, url, inline)] == [
        (True, False),
        (True, False),
        (False, True),
    ]
    assert bytes_of(usual).startswith(b"%PDF-")


# Options.

SIZES: list[tuple[dict[str, Any], tuple[int, int]]] = [
    ({}, (210, 297)),
    ({"format": "A4"}, (210, 297)),
    ({"format": "Letter"}, (216, 279)),
    ({"format": "Legal"}, (216, 356)),
    ({"format": {"width": "4in", "height": "50mm"}}, (102, 50)),
    ({"orientation": "portrait"}, (210, 297)),
    ({"orientation": "landscape"}, (297, 210)),
    ({"format": "Legal", "orientation": "landscape"}, (356, 216)),
]


def test_options_format_and_orientation_decide_the_paper(client: httpx2.Client) -> None:
    made = generated(client, *({**GOOD, "options": options} for options, _ in SIZES))
    assert [size_of(each) for each in made] == [size for _, size in SIZES]


MARGINS: list[tuple[dict[str, Any], tuple[int, int, int, int]]] = [
    ({}, (0, 0, 0, 0)),
    ({"margin": "20mm"}, (20, 20, 20, 20)),
    ({"margin": "1in"}, (25, 25, 25, 25)),
    ({"margin": {"top": "10mm", "right": "20mm", "bottom": "3cm", "left": "40mm"}}, (10, 20, 30, 40)),
    ({"margin": {"left": "50mm"}}, (0, 0, 0, 50)),
]


def test_options_margin_is_one_length_or_one_for_each_side(client: httpx2.Client) -> None:
    # Nothing is painted outside of the content's box but the page's background: so the box itself is painted.
    box = "<style>html{background:#fff}body{margin:0}div{background:#000;height:100vh}</style><div></div>"
    made = generated(client, *({"html": box, "options": options} for options, _ in MARGINS))
    for each, (_, (top, right, _bottom, left)) in zip(made, MARGINS, strict=True):
        painted = raster(each).point(lambda value: 255 if value < 128 else 0).getbbox()
        assert painted is not None
        found = (painted[1], 210 - painted[2], painted[0])
        assert all(abs(a - b) <= 1 for a, b in zip(found, (top, right, left), strict=True)), (found, each)


def test_options_header_and_footer_are_on_every_page_with_its_number(client: httpx2.Client) -> None:
    html = "<p style='break-after:page'>one</p><p>two</p>"
    options = {"header": "<b>Top</b>", "footer": "{{pageNumber}} of {{totalPages}}", "margin": "20mm"}
    (made, bare) = generated(client, {"html": html, "options": options}, {"html": html})
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(bytes_of(made))).pages]
    assert [("Top" in page, f"{number} of 2" in page) for number, page in enumerate(pages, 1)] == [(True, True)] * 2
    assert made["pages"] == bare["pages"] == 2
    assert text_of(bare).split() == ["one", "two"]


def test_options_print_background_is_on_unless_turned_off(client: httpx2.Client) -> None:
    made = generated(client, *({"html": BLACK, "options": each} for each in ({}, *OPAQUE)))
    assert [raster(each).getpixel((100, 150)) for each in made] == [0, 0, 255]


OPAQUE = ({"printBackground": True}, {"printBackground": False})


# Response, polling, webhook.


@pytest.mark.parametrize("status", ROWS)
def test_webhook_of_each_outcome(outcomes: dict[str, Outcome], status: str) -> None:
    found, rows = outcomes[status], ROWS[status]
    data = found.webhook["data"]
    assert set(found.webhook) == {"event", "type", "timestamp", "data"}
    assert found.webhook["event"] == found.webhook["type"] == "batch.completed"
    assert set(data) == {"batch_id", "status", "total", "completed", "failed", "generations"}
    assert (data["batch_id"], data["status"], data["total"]) == (found.batch["id"], status, len(rows))
    assert (data["completed"], data["failed"]) == (found.batch["completed"], rows.count("b"))
    assert [each["index"] for each in data["generations"]] == list(range(len(rows)))
    words = [each["status"] for each in data["generations"]]
    assert words.count("completed") == data["completed"]
    assert words.count("failed") == data["failed"]
    assert words.count("cancelled") == len(rows) - data["completed"] - data["failed"]


@pytest.mark.parametrize("status", ROWS)
def test_generations_tell_what_the_webhook_told(
    client: httpx2.Client, outcomes: dict[str, Outcome], status: str
) -> None:
    told = outcomes[status].webhook["data"]["generations"]
    for each in [*told[:2], *told[-2:]]:
        generation = client.get(f"/v1/generations/{each['id']}").json()
        assert (generation["status"], generation["index"]) == (each["status"], each["index"])
        assert generation["batch_id"] == outcomes[status].batch["id"]
        assert (generation["url"] is not None) == (each["status"] == "completed")
        assert (generation["error"] is not None) == (each["status"] == "failed")


# Errors; USAGE_LIMIT_EXCEEDED, RATE_LIMITED and INTERNAL_ERROR are in tests/integration/test_rows_limits.py.


@pytest.mark.parametrize("items", [[], [GOOD] * 101, [{"data": {}}], [{"options": {}}], None, "items", {}])
def test_error_validation_error_for_empty_too_long_or_missing_input(client: httpx2.Client, items: object) -> None:
    answer = client.post("/v1/generate/batch", json={"items": items})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert answer.json()["error"]["fields"]


@pytest.mark.parametrize("authorization", [None, "Bearer dk_live_sk_unknown", "Basic abc"])
def test_error_unauthorized_for_an_invalid_or_missing_key(stack: Stack, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = httpx2.post(
        f"{stack.api}/v1/generate/batch", json={"items": [GOOD]}, headers=headers, trust_env=False, timeout=60
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHORIZED")
    assert set(answer.json()["error"]) == {"code", "message", "request_id"}

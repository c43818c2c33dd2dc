"""The Pictify contract, row by row: what the other tests of this folder do not hold (README.md says which do)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest
from PIL import Image

from tests.support.gateway import api, make_template, problem_paths, until_ended
from tests.support.outcomes import ROWS, Outcome, every_outcome
from tests.support.stack import Stack

GOOD, BAD = {"name": "Ada"}, {"nobody": 1}
GRADIENT = "<body style='margin:0;background:repeating-radial-gradient(circle,#f00,#0ff 3px,#ff0 7px)'>{{name}}</body>"


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx2.Client]:
    with api(stack, account="tests-rows-pictify") as connected:
        yield connected


@pytest.fixture(scope="module")
def uid(client: httpx2.Client) -> str:
    layouts = {"square": {"width": 64, "height": 64}, "wide": {"width": 128, "height": 32}}
    return make_template(client, html=GRADIENT, layouts=layouts)


@pytest.fixture(scope="module")
def outcomes(client: httpx2.Client, uid: str) -> dict[str, Outcome]:
    def submit(rows: str, url: str) -> str:
        sets = [GOOD if row == "g" else BAD for row in rows]
        answer = post(client, uid, variableSets=sets, concurrency=1, webhookUrl=url)
        return str(answer.json()["batchId"])

    return every_outcome(client, submit)


def post(client: httpx2.Client, uid: str, **fields: object) -> httpx2.Response:
    answer = client.post(f"/templates/{uid}/batch-render", json={"variableSets": [GOOD], **fields})
    assert answer.status_code == 202, answer.text
    return answer


def results(client: httpx2.Client, batch_id: str) -> dict[str, Any]:
    answer = client.get(f"/templates/batch/{batch_id}/results", params={"limit": 1000})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def rendered(client: httpx2.Client, uid: str, **fields: object) -> dict[str, Any]:
    """The result of a batch of one row."""
    batch_id = post(client, uid, **fields).json()["batchId"]
    until_ended(client, batch_id)
    (result,) = results(client, batch_id)["results"]
    found: dict[str, Any] = result
    assert found["success"], found
    return found


def picture(result: dict[str, Any]) -> bytes:
    return httpx2.get(result["url"], trust_env=False, timeout=60).content


def pictures(client: httpx2.Client, uid: str, layouts: list[str]) -> list[Image.Image]:
    """The images of one row in several layouts."""
    return [Image.open(io.BytesIO(picture(each))) for each in rendered(client, uid, layouts=layouts)["results"]]


# Batch status.


def test_status_pending_is_what_a_submit_answers(client: httpx2.Client, uid: str) -> None:
    assert post(client, uid).json()["status"] == "pending"


def test_status_processing_while_images_are_rendered(client: httpx2.Client, uid: str) -> None:
    batch_id = post(client, uid, variableSets=[GOOD] * 90, concurrency=1).json()["batchId"]
    seen = {"pending"}
    while seen == {"pending"}:
        seen.add(results(client, batch_id)["status"])
    assert seen == {"pending", "processing"}
    client.post(f"/templates/batch/{batch_id}/cancel")


@pytest.mark.parametrize("status", ROWS)
def test_status_of_each_outcome(client: httpx2.Client, outcomes: dict[str, Outcome], status: str) -> None:
    batch, rows = outcomes[status].batch, ROWS[status]
    body = results(client, batch["id"])
    assert body["status"] == batch["status"] == status
    assert [result["index"] for result in body["results"]] == list(range(len(rows)))
    assert body["completedItems"] == sum(result["success"] for result in body["results"]) == batch["completed"]
    assert body["failedItems"] == rows.count("b") == batch["failed"]
    assert body["totalItems"] == len(rows) == batch["completed"] + batch["failed"] + batch["cancelled"]


def test_cancelled_batches_keep_the_urls_of_what_was_finished(
    client: httpx2.Client, outcomes: dict[str, Outcome]
) -> None:
    batch_id = outcomes["cancelled"].batch["id"]
    kept = [result for result in results(client, batch_id)["results"] if result["success"]]
    assert 0 < len(kept) < len(ROWS["cancelled"])
    assert Image.open(io.BytesIO(picture(kept[0]))).size == (300, 200)
    again = client.post(f"/templates/batch/{batch_id}/cancel")
    assert (again.status_code, again.json()["completedCount"]) == (200, len(kept))


# Webhook notification.


@pytest.mark.parametrize("status", ROWS)
def test_webhook_of_each_outcome(outcomes: dict[str, Outcome], status: str) -> None:
    found = outcomes[status]
    assert set(found.webhook) == {"event", "type", "timestamp", "data"}
    assert found.webhook["event"] == found.webhook["type"] == "batch.completed"
    assert found.webhook["data"] == {
        "batchId": found.batch["id"],
        "status": status,
        "totalCount": len(ROWS[status]),
        "completedCount": found.batch["completed"],
        "failedCount": ROWS[status].count("b"),
    }


# Render options.


@pytest.mark.parametrize(
    ("asked", "got"), [({}, "PNG"), *(({"format": name}, name) for name in ("png", "jpeg", "webp"))]
)
def test_format_decides_the_file_and_is_png_when_left_out(
    client: httpx2.Client, uid: str, asked: dict[str, str], got: str
) -> None:
    result = rendered(client, uid, **asked)
    assert Image.open(io.BytesIO(picture(result))).format == got.upper()
    assert result["format"] == got.lower()


def test_quality_is_0_9_when_left_out(client: httpx2.Client, uid: str) -> None:
    usual, explicit, least = (
        picture(rendered(client, uid, format="jpeg", **asked)) for asked in ({}, {"quality": 0.9}, {"quality": 0.1})
    )
    assert usual == explicit
    assert len(least) < len(usual)


@pytest.mark.parametrize(
    ("asked", "size"), [({}, (300, 200)), ({"layout": "square"}, (64, 64)), ({"layout": "wide"}, (128, 32))]
)
def test_layout_is_the_default_one_when_left_out(
    client: httpx2.Client, uid: str, asked: dict[str, str], size: tuple[int, int]
) -> None:
    result = rendered(client, uid, **asked)
    assert (result["width"], result["height"]) == size == Image.open(io.BytesIO(picture(result))).size


def test_layouts_render_each_row_in_each(client: httpx2.Client, uid: str) -> None:
    result = rendered(client, uid, layouts=["wide", "square"])
    assert [(each["layout"], each["width"], each["height"]) for each in result["results"]] == [
        ("wide", 128, 32),
        ("square", 64, 64),
    ]
    assert result["errors"] == []


def test_a_layout_shows_its_own_html_or_else_the_templates(client: httpx2.Client) -> None:
    page = "<body style='background:{}'>{{{{name}}}}"
    layouts = {"story": {"html": page.format("#00f"), "width": 40, "height": 80}, "wide": {"width": 80, "height": 20}}
    uid = make_template(client, html=page.format("#f00"), layouts=layouts)
    shown = [Image.open(io.BytesIO(picture(rendered(client, uid)))), *pictures(client, uid, ["story", "wide"])]
    assert [image.convert("RGB").getpixel((image.width - 1, image.height - 1)) for image in shown] == [
        (255, 0, 0),
        (0, 0, 255),
        (255, 0, 0),
    ]


@pytest.mark.parametrize("name", ["a", "0", "-", "a" * 64, "summer-2026"])
def test_layout_names_of_the_pattern_are_names(client: httpx2.Client, uid: str, name: str) -> None:
    answer = client.post(f"/templates/{uid}/batch-render", json={"variableSets": [GOOD], "layout": name})
    # The name is well formed: what is wrong is that the template has no such layout.
    assert problem_paths(answer) == ["layout"]
    assert "no layout" in answer.text


# Plans, rates and keeping.


@pytest.mark.parametrize("fields", [{"variableSets": [{}] * 11}, {"variableSets": [{}] * 11, "layout": "square"}])
def test_more_items_than_the_plan_allows_is_403_naming_the_limit(stack: Stack, fields: dict[str, Any]) -> None:
    with api(stack, "free", "tests-rows-pictify-free") as client:
        uid = make_template(client, layouts={"square": {"width": 64, "height": 64}})
        answer = client.post(f"/templates/{uid}/batch-render", json=fields)
    assert (answer.status_code, answer.json()["code"]) == (403, "PLAN_LIMIT_EXCEEDED")
    assert "10 items" in answer.json()["detail"]


def test_results_are_kept_for_seven_days(outcomes: dict[str, Outcome]) -> None:
    batch = outcomes["completed"].batch
    created, expires = (datetime.fromisoformat(batch[name]) for name in ("created_at", "expires_at"))
    assert expires - created == timedelta(days=7)


def test_keys_are_sent_as_bearer_tokens(stack: Stack, client: httpx2.Client, uid: str) -> None:
    key = str(client.headers["authorization"]).removeprefix("Bearer ")
    path = f"{stack.api}/templates/{uid}"
    assert httpx2.get(path, headers={"Authorization": f"Bearer {key}"}, trust_env=False, timeout=60).status_code == 200
    for wrong in ({"Authorization": key}, {"X-Api-Key": key}, {"Authorization": f"Bearer {key}x"}):
        answer = httpx2.get(path, headers=wrong, trust_env=False, timeout=60)
        assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED")

"""What the APIs say of an item whose page failed: why, how it looked, and what was odd by then."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from PIL import Image

from tests.support.gateway import END_SECONDS, api, until_ended
from tests.support.stack import Stack

FAILING = (
    "<style>html{background:#0a0}</style><h1>{{title}}</h1><script>console.error('no figures');"
    "pressline.ready(Promise.reject(new Error('gone')))</script>"
)
OUTPUT = {"format": "png", "width": 300, "height": 200}
Json = dict[str, Any]


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx2.Client]:
    with api(stack, account="tests-failed-pages") as connected:
        yield connected


def failed(client: httpx2.Client) -> tuple[str, Json]:
    """A batch and its one item, with a picture: a renderer that is very busy goes on without one."""
    body = {"defaults": {"html": FAILING, "output": OUTPUT}, "items": [{"data": {"title": ""}}]}
    deadline = time.monotonic() + END_SECONDS
    while time.monotonic() < deadline:
        batch_id = client.post("/v1/batches", json=body).json()["id"]
        until_ended(client, batch_id)
        (item,) = client.get(f"/v1/batches/{batch_id}/items").json()["data"]
        assert (item["status"], item["url"], item["outputs"]) == ("failed", None, [])
        if item["error"]["screenshot_url"]:
            return batch_id, item
    raise AssertionError(f"no picture in {END_SECONDS} s")


def test_the_picture_of_a_failed_page(client: httpx2.Client) -> None:
    batch_id, item = failed(client)
    error = item["error"]
    assert (error["code"], error["message"].endswith("Error: gone")) == ("TEMPLATE_ERROR", True)
    assert item["warnings"] == [
        "CONSOLE_ERROR: no figures",
        'EMPTY_VARIABLE: "title" on line 1 of the template is empty.',
    ]
    answer = httpx2.get(error["screenshot_url"], trust_env=False, timeout=60)
    assert (answer.headers["content-type"], answer.headers.get("content-disposition")) == ("image/jpeg", None)
    picture = Image.open(io.BytesIO(answer.content)).convert("RGB")
    assert picture.size == (300, 200)
    pixel = picture.getpixel((299, 199))
    assert isinstance(pixel, tuple)
    assert all(abs(is_ - was) < 8 for is_, was in zip(pixel, (0, 170, 0), strict=True))

    table = client.get(f"/v1/batches/{batch_id}/items", params={"format": "csv"}).text
    (row,) = csv.DictReader(io.StringIO(table))
    assert row["error_screenshot_url"] == error["screenshot_url"]
    # It is no file of the batch, and the dialect's own form stays as it is published.
    assert client.post(f"/v1/batches/{batch_id}:archive").status_code == 409
    assert set(client.get(f"/v1/generations/{item['id']}").json()["error"]) == {"code", "message"}

    assert client.delete(f"/v1/batches/{batch_id}").status_code == 204
    deadline = time.monotonic() + END_SECONDS
    while httpx2.get(error["screenshot_url"], trust_env=False, timeout=60).status_code != 404:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_what_never_had_a_page_has_none(client: httpx2.Client) -> None:
    body = {"defaults": {"html": "{{title}}", "output": OUTPUT}, "items": [{"data": {}}]}
    batch_id = client.post("/v1/batches", json=body).json()["id"]
    until_ended(client, batch_id)
    (item,) = client.get(f"/v1/batches/{batch_id}/items").json()["data"]
    assert (item["error"]["code"], item["error"]["screenshot_url"]) == ("TEMPLATE_ERROR", None)

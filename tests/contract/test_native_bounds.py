"""What a batch of the native API may hold: each bound is held, and itself allowed."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from tests.support.gateway import api, envelope_paths
from tests.support.stack import Stack


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx2.Client]:
    with api(stack, account="tests-native-bounds") as connected:
        yield connected


def submit(client: httpx2.Client, **fields: object) -> httpx2.Response:
    return client.post("/v1/batches", json={"items": [{"html": "x"}], **fields})


@pytest.mark.parametrize(
    ("fields", "paths"),
    [
        ({"items": []}, ["items"]),
        ({"items": None}, ["items"]),
        ({"items": [{"html": "x"}, {}, {"data": {}}]}, ["items[1]", "items[2]"]),
        ({"items": [{"html": "x", "template": "t"}]}, ["items[0]"]),
        ({"items": [{"styles": "p{}"}], "defaults": {"html": "x"}}, ["items[0]"]),
        ({"items": [{"html": "x", "data": 1}]}, ["items[0].data"]),
        ({"items": [{"html": "x", "dta": {}}]}, ["items[0].dta"]),
        ({"items": [{"html": "x", "react": "r"}]}, ["items[0]"]),
        ({"items": [{"html": "x", "reference": "r" * 257}]}, ["items[0].reference"]),
        ({"items": [{"html": "x", "filename": "f" * 256}]}, ["items[0].filename"]),
        ({"items": [{"template": "tmpl_unknown"}]}, ["items[0].template"]),
        ({"items": [{}], "defaults": {"template": "tmpl_unknown"}}, ["defaults.template"]),
        ({"items": [{"html": "x", "output": {}}]}, ["items[0].output.format"]),
        ({"items": [{"html": "x", "output": {"format": "gif"}}]}, ["items[0].output.format"]),
        ({"items": [{"html": "x", "output": {"format": "png", "page_size": "A4"}}]}, ["items[0].output.page_size"]),
        ({"items": [{"html": "x", "output": {"format": "pdf", "quality": 1}}]}, ["items[0].output.quality"]),
        ({"defaults": {"output": {"format": "png", "quality": 0}}}, ["defaults.output.quality"]),
        ({"defaults": {"output": {"format": "png", "width": 4001}}}, ["defaults.output.width"]),
        ({"defaults": {"output": {"format": "png", "height": 0}}}, ["defaults.output.height"]),
        (
            {"defaults": {"output": {"format": "png", "device_scale_factor": 3.1}}},
            ["defaults.output.device_scale_factor"],
        ),
        ({"defaults": {"output": {"format": "pdf", "page_size": "A5"}}}, ["defaults.output.page_size"]),
        (
            {"defaults": {"output": {"format": "pdf", "page_size": {"width": "1in", "depth": 1}}}},
            ["defaults.output.page_size.height", "defaults.output.page_size.depth"],
        ),
        ({"defaults": {"output": {"format": "pdf", "margin": {"inner": "1cm"}}}}, ["defaults.output.margin.inner"]),
        ({"concurrency": 0}, ["concurrency"]),
        ({"concurrency": 11}, ["concurrency"]),
        ({"webhook_url": "file:///etc/passwd"}, ["webhook_url"]),
        ({"metadata": []}, ["metadata"]),
        ({"metadata": {"a": "x" * 4096}}, ["metadata"]),
        ({"webhookUrl": "https://example.com"}, ["webhookUrl"]),
    ],
)
def test_each_bound_is_held(client: httpx2.Client, fields: dict[str, object], paths: list[str]) -> None:
    assert envelope_paths(submit(client, **fields)) == paths


def test_the_bounds_themselves_are_allowed(client: httpx2.Client) -> None:
    item = {
        "html": "x",
        "reference": "é" * 256,
        "filename": "f" * 255,
        "output": {"format": "png", "width": 1, "height": 1},
    }
    answer = submit(client, items=[item], concurrency=10, metadata={"a": "x" * 4088})
    assert answer.status_code == 202, answer.text

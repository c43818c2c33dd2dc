"""Batches of small cards, and what must hold of a batch that went well."""

from __future__ import annotations

import hashlib
import urllib.request
from typing import Any

from pressline_client import Batch, Client

CARD = "<body style='margin:0;background:{{colour}}'><h1>{{name}}</h1></body>"
SIZE = {"format": "png", "width": 320, "height": 200}
DOWNLOAD_SECONDS = 60


def rows(count: int) -> list[dict[str, Any]]:
    return [
        {"data": {"name": f"Card {i}", "colour": f"#{i * 2654435761 % 0xFFFFFF:06x}"}, "reference": f"row-{i}"}
        for i in range(count)
    ]


def submit(client: Client, count: int, **options: Any) -> Batch:
    """Submit cards that all differ."""
    return client.batches.create(rows(count), defaults={"html": CARD, "output": SIZE}, **options)


def assert_each_item_once(client: Client, batch_id: str, count: int) -> None:
    """Every row has succeeded, in order, with a file of its own that is what its record says."""
    items = list(client.batches.items(batch_id))
    assert [item.index for item in items] == list(range(count))
    assert [item.reference for item in items] == [f"row-{i}" for i in range(count)]
    assert {item.status for item in items} == {"succeeded"}
    assert len({item.sha256 for item in items}) == count
    for item in items:
        assert item.url is not None
        with urllib.request.urlopen(item.url, timeout=DOWNLOAD_SECONDS) as response:
            assert hashlib.sha256(response.read()).hexdigest() == item.sha256

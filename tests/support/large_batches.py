"""Batches of the largest size, and how much memory a service takes meanwhile."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx2
import psutil

CARD = (
    "<body style='margin:0;font:16px sans-serif'><h1>{{name}}</h1><p>{{title}} at {{company}}</p>"
    "<p>{{street}}, {{city}}</p><p>{{text}}</p></body>"
)
SAMPLE_SECONDS = 0.02
MEBIBYTE = 1024 * 1024


def row(index: int) -> dict[str, Any]:
    """A row of 200 to 500 bytes as JSON, unlike every other."""
    return {
        "name": f"Person {index}",
        "title": ("Engineer", "Accountant", "Gardener", "Head of Department")[index % 4],
        "company": f"Company {index * 7919 % 10_000} Ltd.",
        "street": f"{index % 300} Long Street",
        "city": ("Lisbon", "Zürich", "Kraków", "Reykjavík")[index % 4],
        "total": index * 1.25,
        "member": index % 3 == 0,
        "text": "All that is written here is printed below. " * (index % 7 + 1),
    }


def variable_sets(count: int) -> bytes:
    """The body of a batch of one template with so many rows."""
    rows = [row(index) for index in range(count)]
    return json.dumps({"variableSets": rows, "format": "jpeg"}, ensure_ascii=False).encode()


def all_items(client: httpx2.Client, batch_id: str, size: int = 1_000) -> list[dict[str, Any]]:
    """Every item of a batch, page by page."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        query = f"?limit={size}" + (f"&cursor={cursor}" if cursor else "")
        answer = client.get(f"/v1/batches/{batch_id}/items{query}")
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["data"]
        cursor = page["next_cursor"]
        if not cursor:
            return items


@contextmanager
def peak_memory(pids: Mapping[str, int]) -> Iterator[dict[str, float]]:
    """The most resident memory that each process has during the block, by name, in MiB."""
    processes = {name: psutil.Process(pid) for name, pid in pids.items()}
    peaks = dict.fromkeys(pids, 0.0)
    over = threading.Event()

    def sample() -> None:
        while True:
            for name, process in processes.items():
                peaks[name] = max(peaks[name], process.memory_info().rss / MEBIBYTE)
            if over.wait(SAMPLE_SECONDS):
                return

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield peaks
    finally:
        over.set()
        sampler.join()

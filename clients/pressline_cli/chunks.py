"""Cutting a table into batches that the plan and the request's size allow."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

LARGEST_BATCH = 10_000
LARGEST_BODY_BYTES = 32 * 1024 * 1024  # half of what the service takes, which leaves room for the template


def chunks(
    items: Iterable[dict[str, Any]], most_items: int, most_bytes: int = LARGEST_BODY_BYTES
) -> Iterator[list[dict[str, Any]]]:
    """Consecutive runs of items, in order, none empty.

    Args:
        items: of any number; taken only as far as needed.
        most_items: in one run.
        most_bytes: of JSON in one run; an item larger than that makes a run of its own.
    """
    run: list[dict[str, Any]] = []
    size = 0
    for item in items:
        weight = len(json.dumps(item, ensure_ascii=False).encode())
        if run and (len(run) == most_items or size + weight > most_bytes):
            yield run
            run, size = [], 0
        run.append(item)
        size += weight
    if run:
        yield run

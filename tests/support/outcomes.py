"""A batch of every outcome in one of the APIs, and the webhook that each was announced by."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.support.gateway import until_ended
from tests.support.receiver import receiving

WEBHOOK_SECONDS = 60
FINISHED_SECONDS = 60
# Rows that can be rendered (g) or cannot (b).
ROWS: Mapping[str, str] = {"completed": "gg", "partial": "gb", "failed": "bb", "cancelled": "g" * 90}
# Makes a batch of such rows announced at an address, and returns its id.
Submit = Callable[[str, str], str]


@dataclass(frozen=True)
class Outcome:
    """What became of a batch.

    Attributes:
        batch: as the native API shows it.
        webhook: the body of its webhook.
        headers: those that it came with.
    """

    batch: dict[str, Any]
    webhook: dict[str, Any]
    headers: dict[str, str]


def every_outcome(client: httpx2.Client, submit: Submit) -> dict[str, Outcome]:
    """A batch of each outcome, by status."""
    with receiving() as receiver:
        made = {status: submit(rows, receiver.url) for status, rows in ROWS.items()}
        until_some_finished(client, made["cancelled"])
        assert client.post(f"/v1/batches/{made['cancelled']}:cancel").status_code == 200
        batches = {status: until_ended(client, batch_id) for status, batch_id in made.items()}
        received = receiver.wait(len(ROWS), WEBHOOK_SECONDS)
        # Nothing is sent twice: one more would have come with the others.
        time.sleep(0.5)
    assert len(received) == len(ROWS)
    bodies = {headers["webhook-id"]: (headers, json.loads(body)) for headers, body in received}
    by_batch = {batch_of(body): (headers, body) for headers, body in bodies.values()}
    return {
        status: Outcome(batches[status], by_batch[batch_id][1], by_batch[batch_id][0])
        for status, batch_id in made.items()
    }


def until_some_finished(client: httpx2.Client, batch_id: str) -> None:
    """Wait until an item is rendered; the others still wait."""
    deadline = time.monotonic() + FINISHED_SECONDS
    while not client.get(f"/v1/batches/{batch_id}").json()["completed"]:
        assert time.monotonic() < deadline, f"nothing of {batch_id} is rendered"
        time.sleep(0.02)


def batch_of(webhook: Mapping[str, Any]) -> str:
    """The id of the batch that a webhook tells of, in any of the three forms."""
    data = webhook["data"]
    return str(data.get("batchId") or data.get("batch_id") or data["id"])

"""REST calls to the running system, and what its contract tests have in common."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from tests.support.stack import Stack

CARD = "<html><body><h1>{{name}}</h1></body></html>"
CALL_SECONDS = 60
END_SECONDS = 120
_ENDED = {"completed", "partial", "failed", "cancelled"}


@contextmanager
def api(stack: Stack, plan: str = "enterprise", account: str | None = None) -> Iterator[httpx2.Client]:
    """A client with a key of its own."""
    headers = {"Authorization": f"Bearer {stack.key(plan, account)}"}
    with httpx2.Client(base_url=stack.api, headers=headers, timeout=CALL_SECONDS, trust_env=False) as client:
        yield client


def make_template(client: httpx2.Client, **fields: Any) -> str:
    """Store a template and return its id."""
    answer = client.post("/templates", json={"name": "card", "html": CARD, "width": 300, "height": 200, **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["uid"])


def until_ended(client: httpx2.Client, batch_id: str) -> dict[str, Any]:
    """The batch, natively, once every item has ended."""
    deadline = time.monotonic() + END_SECONDS
    while time.monotonic() < deadline:
        batch: dict[str, Any] = client.get(f"/v1/batches/{batch_id}").json()
        if batch["status"] in _ENDED and batch["completed"] + batch["failed"] + batch["cancelled"] == batch["total"]:
            return batch
        time.sleep(0.1)
    raise AssertionError(f"{batch_id} has not ended after {END_SECONDS} s")


def problem_paths(answer: httpx2.Response) -> list[str]:
    """Paths of the fields at fault in a problem of the Pictify dialect."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    assert (body["status"], body["code"]) == (400, "VALIDATION_ERROR"), body
    return [error["path"] for error in body["errors"]]


def envelope_paths(answer: httpx2.Response) -> list[str]:
    """Paths of the fields at fault in an error of the /v1 routes."""
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["code"] == "VALIDATION_ERROR", error
    return [field["path"] for field in error["fields"]]

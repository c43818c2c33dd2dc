"""`pressline batches`."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator

import pytest

from pressline_client import Client
from tests.support.stack import PRESSLINE, Stack

HTML = "<p>{{name}}</p>"
SMALL = {"format": "png", "width": 40, "height": 30}


@pytest.fixture(scope="module")
def key(stack: Stack) -> str:
    return stack.key(account="tests-cli-batches")


@pytest.fixture(scope="module")
def client(stack: Stack, key: str) -> Iterator[Client]:
    with Client(stack.api, key) as connected:
        yield connected


@pytest.fixture(scope="module")
def failed(client: Client) -> str:
    batch = client.batches.create([{"data": {}}, {"data": {}}], defaults={"html": HTML, "output": SMALL})
    return client.batches.wait(batch.id, timeout=120).id


def run(stack: Stack, key: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PRESSLINE, "batches", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"PRESSLINE_API_URL": stack.api, "PRESSLINE_API_KEY": key},
    )


def test_listing_and_showing(stack: Stack, key: str, failed: str) -> None:
    listed = run(stack, key, "list", "--status", "failed", "--limit", "5")
    assert listed.returncode == 0, listed.stderr
    (row,) = [line.split() for line in listed.stdout.splitlines() if line.startswith(failed)]
    assert row[1:6] == ["failed", "2", "0", "2", "0"]
    shown = json.loads(run(stack, key, "show", failed).stdout)
    assert (shown["id"], shown["failed"]) == (failed, 2)


def test_trying_again_and_deleting(stack: Stack, key: str, client: Client, failed: str) -> None:
    made = run(stack, key, "retry", failed, "--cancelled", "--template-version", "latest")
    assert made.returncode == 0, made.stderr
    again = client.batches.wait(made.stdout.strip(), timeout=120)
    assert (again.retry_of, again.total) == (failed, 2)
    assert run(stack, key, "delete", again.id).returncode == 0
    gone = run(stack, key, "show", again.id)
    assert gone.returncode == 1
    assert "error:" in gone.stderr
    refused = run(stack, key, "retry", failed, "--template-version", "new")
    assert (refused.returncode, "--template-version" in refused.stderr) == (1, True)


def test_cancelling(stack: Stack, key: str, client: Client) -> None:
    rows = [{"data": {"name": f"{number}"}} for number in range(300)]
    batch = client.batches.create(rows, defaults={"html": HTML, "output": SMALL}, concurrency=1)
    done = run(stack, key, "cancel", batch.id)
    assert done.returncode == 0, done.stderr
    assert f"{batch.id} is cancelled" in done.stdout
    assert run(stack, key, "cancel", failed_id(client)).returncode == 1


def failed_id(client: Client) -> str:
    return next(client.batches.list(status="failed")).id

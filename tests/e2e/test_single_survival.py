"""Processes are killed while a caller waits for a single render."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from tests.support.gateway import api
from tests.support.stack import Stack, running_stack


@pytest.fixture(scope="module")
def survivor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose processes may be killed."""
    with running_stack(tmp_path_factory.mktemp("survivor") / "data") as stack:
        yield stack


def send(stack: Stack, name: str, number: signal.Signals) -> None:
    os.kill(int(stack.processes()[name]["pid"]), number)


def until_accepted(client: httpx2.Client, renders: int) -> None:
    """Until the scheduler has accepted so many renders that are not finished."""
    deadline = time.monotonic() + 60
    while client.get("/v1/usage").json()["reserved"] < renders:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("victim", ["scheduler", "nats", "renderer-1"])
@pytest.mark.timeout(180)
def test_the_answer_comes_all_the_same(survivor: Stack, victim: str) -> None:
    with api(survivor, account=f"single-{victim}") as client, ThreadPoolExecutor(1) as caller:
        send(survivor, "renderer-1", signal.SIGSTOP)
        try:
            asking = caller.submit(client.post, "/v1/generate", json={"html": "<p>still here</p>"})
            until_accepted(client, 1)
            send(survivor, victim, signal.SIGKILL)
        finally:
            if victim != "renderer-1":
                send(survivor, "renderer-1", signal.SIGCONT)
        answer = asking.result(timeout=90)
        deadline = time.monotonic() + 90
        # A lease that died with its renderer outlasts the wait: then the answer is where it said it would be.
        while answer.status_code == 202 or answer.json()["status"] in {"queued", "processing"}:
            assert time.monotonic() < deadline
            time.sleep(0.2)
            answer = client.get(f"/v1/generations/{answer.json()['id']}")
        assert (answer.status_code, answer.json()["status"]) == (200, "completed")

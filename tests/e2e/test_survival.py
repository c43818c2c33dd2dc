"""Processes are killed in the middle of a batch; nothing is lost and nothing is done twice."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pressline_client import Client, verify_webhook
from tests.support.batches import assert_each_item_once, submit
from tests.support.receiver import receiving
from tests.support.stack import Stack, down, free_ports, running_stack, status, up

COUNT = 100
ENDS_WITHIN = 150
ALLOW = {"PRESSLINE_WEBHOOK_ALLOW": "127.0.0.0/8"}


@pytest.fixture(scope="module")
def survivor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose processes may be killed."""
    with running_stack(tmp_path_factory.mktemp("survivor") / "data", renderers=2, env=ALLOW) as stack:
        yield stack


def kill(stack: Stack, name: str) -> int:
    pid = int(stack.processes()[name]["pid"])
    os.kill(pid, signal.SIGKILL)
    return pid


def until_some_are_done(client: Client, batch_id: str, done: int) -> None:
    deadline = time.monotonic() + 60
    while (batch := client.batches.get(batch_id)).completed < done:
        assert not batch.ended
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("victim", ["renderer-1", "scheduler", "nats", "mongodb", "gateway"])
@pytest.mark.timeout(240)
def test_a_killed_process_loses_and_repeats_nothing(survivor: Stack, victim: str) -> None:
    with receiving() as receiver, Client(survivor.api, survivor.key(account=f"kill-{victim}")) as client:
        batch_id = submit(client, COUNT, webhook_url=receiver.url).id
        until_some_are_done(client, batch_id, 5)
        killed = kill(survivor, victim)
        batch = client.batches.wait(batch_id, timeout=ENDS_WITHIN)
        assert (batch.status, batch.completed, batch.failed) == ("completed", COUNT, 0)
        assert_each_item_once(client, batch_id, COUNT)
        received = receiver.wait(1, 120)
        assert {headers["webhook-id"] for headers, _ in received} == {received[0][0]["webhook-id"]}
        event = verify_webhook(*received[0], client.webhook_secret())
        assert event["data"]["id"] == batch_id
    assert survivor.processes()[victim]["pid"] != killed


@pytest.mark.timeout(240)
def test_down_and_up_keep_results_and_continue_batches(tmp_path: Path) -> None:
    data = tmp_path / "data"
    port, grpc_port = free_ports(2)
    first = up(data, port=port, grpc_port=grpc_port)
    try:
        assert first.returncode == 0, first.stderr
        address = json.loads(first.stdout.splitlines()[-1])
        stack = Stack(address["api"], address["grpc"], data)
        key = stack.key()
        with Client(stack.api, key) as client:
            finished = submit(client, 3).id
            client.batches.wait(finished, timeout=60)
            unfinished = submit(client, COUNT).id
            until_some_are_done(client, unfinished, 3)
        down(data)
        assert {process["state"] for process in status(data).values()} <= {"stopped"}
        second = up(data, port=port, grpc_port=grpc_port)
        assert second.returncode == 0, second.stderr
        assert json.loads(second.stdout.splitlines()[-1]) == address
        with Client(stack.api, key) as client:
            assert_each_item_once(client, finished, 3)
            assert client.batches.wait(unfinished, timeout=ENDS_WITHIN).status == "completed"
            assert_each_item_once(client, unfinished, COUNT)
    finally:
        down(data)

"""`pressline up`, `status`, `down` and `keys create`, as scripts rely on them."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import psutil
import pytest

from tests.support.stack import (
    PRESSLINE,
    Stack,
    down,
    free_ports,
    mark_of,
    pressline,
    processes_of,
    refused_up,
    running_stack,
    status,
    tree_of,
    up,
)

NAMES = {"nats", "mongodb", "s3", "scheduler", "gateway", "renderer-1", "notifier"}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose processes may be killed."""
    with running_stack(tmp_path_factory.mktemp("own") / "data") as running:
        yield running


def test_status_names_every_process(own: Stack) -> None:
    processes = own.processes()
    assert set(processes) == NAMES
    assert {process["state"] for process in processes.values()} == {"running"}
    assert all(Path(f"/proc/{process['pid']}").exists() for process in processes.values())


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_killed_process_comes_back(own: Stack, name: str) -> None:
    killed = own.processes()[name]["pid"]
    os.kill(killed, signal.SIGKILL)
    _until(lambda: own.processes()[name]["pid"] not in {killed, None})
    _until(lambda: {process["state"] for process in own.processes().values()} == {"running"})
    assert own.processes()[name]["restarts"] >= 1
    _until(lambda: _get(f"{own.api}/readyz") == 200)


def test_up_again_says_so_and_prints_the_same_addresses(own: Stack) -> None:
    before = own.processes()
    again = pressline("up", "--detach", "--data", str(own.data))
    assert json.loads(again.stdout) == {"api": own.api, "grpc": own.grpc}
    assert "running already" in again.stderr
    assert own.processes() == before


def test_a_key_is_printed_alone_and_opens_the_api(own: Stack) -> None:
    printed = pressline("keys", "create", "--account", "acme", "--plan", "pro", "--data", str(own.data)).stdout
    assert re.fullmatch(r"\S+\n", printed)
    request = Request(f"{own.api}/v1/usage", headers={"Authorization": f"Bearer {printed.strip()}"})
    with urlopen(request, timeout=60) as response:
        usage = json.load(response)
    assert (usage["account_id"], usage["plan"]) == ("acme", "pro")


def test_an_unusable_account_name_is_one_sentence(own: Stack) -> None:
    arguments = ("--account", "not a name", "--plan", "pro", "--data", str(own.data))
    refused = pressline("keys", "create", *arguments, check=False)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert len(refused.stderr.splitlines()) == 1
    assert "account_id" in refused.stderr


def test_secrets_are_for_the_owner_alone(own: Stack) -> None:
    for name in ("secrets.json", "state.json", "run.json"):
        assert (own.data / name).stat().st_mode & 0o777 == 0o600
    assert own.data.stat().st_mode & 0o777 == 0o700


def test_two_data_folders_run_side_by_side(own: Stack, tmp_path: Path) -> None:
    with running_stack(tmp_path / "data") as other:
        assert other.api != own.api
        assert {process["state"] for process in other.processes().values()} == {"running"}
    assert {process["state"] for process in own.processes().values()} == {"running"}


def test_what_was_made_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    data = tmp_path / "data"
    port, grpc_port = free_ports(2)
    assert up(data, port=port, grpc_port=grpc_port).returncode == 0
    try:
        key = pressline("keys", "create", "--account", "kept", "--plan", "free", "--data", str(data)).stdout.strip()
        ports = json.loads((data / "state.json").read_text())["ports"]
        supervisor, *others = tree_of(data)
        supervisor.kill()
        _, left = psutil.wait_procs(others, timeout=60)
        assert not left, left
        assert {process["state"] for process in status(data).values()} == {"stopped"}

        again = up(data, port=port, grpc_port=grpc_port)
        assert again.returncode == 0, again.stderr
        assert json.loads((data / "state.json").read_text())["ports"] == ports
        request = Request(f"http://127.0.0.1:{port}/v1/usage", headers={"Authorization": f"Bearer {key}"})
        with urlopen(request, timeout=60) as response:
            assert json.load(response)["account_id"] == "kept"
    finally:
        down(data)
    assert not processes_of(data)


@pytest.mark.parametrize("option", ["--port", "--grpc-port"])
def test_a_taken_port_is_one_sentence_and_leaves_nothing(tmp_path: Path, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        (free,) = free_ports(1)
        refused = refused_up(
            tmp_path, port=number if option == "--port" else free, grpc_port=free if option == "--port" else number
        )
    assert refused.stdout == ""
    assert refused.stderr.splitlines() == [
        f"Port {number} cannot be used (Address already in use); choose another with {option}."
    ]


def test_a_server_that_cannot_be_reached_is_named(tmp_path: Path) -> None:
    port, grpc_port, nobody = free_ports(3)
    environment = {"PRESSLINE_NATS_URL": f"nats://127.0.0.1:{nobody}"}
    refused = refused_up(tmp_path, port=port, grpc_port=grpc_port, env=environment)
    assert "nats, by the address that was given, cannot be used" in refused.stderr


def test_a_service_that_cannot_start_is_named_with_its_last_words(tmp_path: Path) -> None:
    port, grpc_port = free_ports(2)
    refused = refused_up(tmp_path, port=port, grpc_port=grpc_port, env={"PRESSLINE_SECRET_KEY": "short"})
    assert "scheduler ended with exit code 2 before it was ready" in refused.stderr
    assert "PRESSLINE_SECRET_KEY" in refused.stderr


def test_down_where_nothing_runs_is_no_failure(tmp_path: Path) -> None:
    done = pressline("down", "--data", str(tmp_path))
    assert "Nothing runs" in done.stderr
    assert json.loads(pressline("status", "--json", "--data", str(tmp_path)).stdout) == {"processes": []}


def test_in_the_foreground_it_ends_with_a_sigint(tmp_path: Path) -> None:
    data = tmp_path / "data"
    port, grpc_port = free_ports(2)
    ports = ("--port", str(port), "--grpc-port", str(grpc_port))
    command = [PRESSLINE, "up", "--data", str(data), *ports]
    environment = {**os.environ, **mark_of(data)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as foreground:
        assert foreground.stdout is not None
        assert json.loads(foreground.stdout.readline())["grpc"] == f"127.0.0.1:{grpc_port}"
        foreground.send_signal(signal.SIGINT)
        assert foreground.wait(timeout=120) == 0
    assert not processes_of(data)


def _get(url: str) -> int:
    try:
        with urlopen(url, timeout=5) as response:
            return int(response.status)
    except OSError:
        return 0


def _until(condition: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)

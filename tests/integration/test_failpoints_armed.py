"""A process dies at the failpoint that it was started with: there, that often, and loudly."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from services.common import failpoints
from services.common.failpoints import Failpoint
from services.common.settings import Settings

POINT = Failpoint.CREATE_COMMITTED
# Comes there four times, with another failpoint before, and says how far it got.
PROGRAM = """
from services.common import lifecycle
from services.common.failpoints import Failpoint, failpoint
from services.common.settings import Settings

async def serve(settings, stop):
    for number in range(1, 5):
        failpoint(Failpoint.CREATE_INSERTED)
        print(number, flush=True)
        try:
            failpoint(Failpoint.CREATE_COMMITTED)
        finally:
            print("past", number, flush=True)

lifecycle.run("{service}", Settings, serve)
"""


def run(spec: str | None, service: str = "scheduler") -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name != "PRESSLINE_FAILPOINT"}
    if spec is not None:
        env["PRESSLINE_FAILPOINT"] = spec
    command = (sys.executable, "-c", PROGRAM.format(service=service))
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(("spec", "reached"), [(POINT, 1), (f"{POINT}:3", 3)])
def test_it_dies_there_and_runs_nothing_more(spec: str, reached: int) -> None:
    ended = run(spec)
    assert ended.returncode == -signal.SIGKILL
    assert ended.stdout.split("\n")[-2] == str(reached)
    said = [json.loads(line) for line in ended.stderr.splitlines()]
    assert [line["event"] for line in said] == ["failpoint.armed", "failpoint.reached"]
    assert {line["failpoint"] for line in said} == {POINT}
    assert {line["level"] for line in said} == {"warning"}


@pytest.mark.parametrize(("spec", "service"), [(None, "scheduler"), (f"{POINT}:5", "scheduler"), (POINT, "gateway")])
def test_it_lives_where_that_is_not_asked_of_it(spec: str | None, service: str) -> None:
    ended = run(spec, service)
    assert (ended.returncode, ended.stdout.splitlines()[-1]) == (0, "past 4")
    assert ("failpoint.armed" in ended.stderr) == (spec == f"{POINT}:5")


def test_a_name_that_is_none_ends_the_process_before_it_begins() -> None:
    ended = run("scheduler.create.comitted")
    assert ended.returncode == 2
    assert "PRESSLINE_FAILPOINT" in ended.stderr
    assert POINT in ended.stderr


@pytest.mark.parametrize("spec", ["", ":1", f"{POINT}:0", f"{POINT}:x", f"{POINT}:1:1", "Scheduler.create.committed"])
def test_what_is_no_failpoint_is_refused(spec: str) -> None:
    with pytest.raises(ValueError, match="is not a failpoint"):
        failpoints.checked(spec)


def test_each_service_can_be_told() -> None:
    assert "failpoint" in Settings.model_fields

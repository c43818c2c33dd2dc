"""What the benchmarks measure is what was used."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from benchmarks import usage
from benchmarks.contest import Figures
from benchmarks.contestants import Turn

BURN = "import time\nwhile time.process_time() < 0.5: pass"
# The kernel counts in hundredths of a second, each process for itself.
LEAST = 0.4


def test_processes_that_have_ended_are_counted() -> None:
    before = usage.cpu_seconds(os.getpid())
    subprocess.run([sys.executable, "-c", BURN], check=True)
    after = usage.cpu_seconds(os.getpid())
    assert sum(after.values()) - sum(before.values()) >= LEAST


def test_processes_are_told_apart_by_what_they_descend_from() -> None:
    burning = [sys.executable, "-c", f"{BURN}\nprint(flush=True)\ninput()"]
    with subprocess.Popen(burning, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        used = usage.cpu_seconds(os.getpid(), {process.pid: "gateway"})
        process.stdin.write(b"\n")
    assert LEAST <= used["gateway"] < 5


def test_ratios_are_of_the_same_round() -> None:
    script, engine = Figures(), Figures()
    for seconds in (10.0, 5.0):
        script.add(10, {"python": 1.0}, Turn(seconds, [0.5] * 10, [100] * 10), 200)
    for seconds in (2.5, 5 / 3):
        engine.add(10, {"python": 0.2, "chromium": 0.3}, Turn(seconds, [0.1] * 10, [90] * 10), 300)
    summary = engine.summary(script)
    assert summary["ratio"] == pytest.approx(3.5)
    assert summary["cpu_ms"] == pytest.approx(50)
    assert summary["cpu_ms_by_process"] == {"chromium": pytest.approx(30), "python": pytest.approx(20)}

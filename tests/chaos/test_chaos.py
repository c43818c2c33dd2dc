"""Everything is killed and disturbed once while the system works: nothing is lost, and nothing ends twice."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.report import ZEROES

DURATION = 30
MOST_SECONDS = 400


@pytest.mark.timeout(MOST_SECONDS + 60)
def test_a_short_run_loses_nothing(tmp_path: Path) -> None:
    seed = random.randrange(1_000_000)
    # A process of its own: it adopts what killed processes leave behind.
    command = [sys.executable, "-m", "tests.chaos", "--duration", str(DURATION), "--seed", str(seed)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PRESSLINE_")}
    done = subprocess.run(
        [*command, "--data", str(tmp_path / "data")],
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    counted = [line for line in done.stdout.splitlines() if line.startswith(ZEROES)]
    assert [line.split()[-1] for line in counted] == ["0"] * len(ZEROES), done.stdout

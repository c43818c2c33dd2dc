"""`python -m tests.chaos --duration 600 [--seed N] [--data FOLDER]`: everything is killed, and nothing is lost."""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
from pathlib import Path

from services.common import logging
from tests.chaos.run import run


def main() -> None:
    """Exit code 1 when anything is not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--duration", type=float, default=60, help="seconds in which faults are injected")
    parser.add_argument("--seed", type=int, help="repeats the faults and the work of another run")
    parser.add_argument("--data", type=Path, help="folder for data and logs, which is kept")
    asked = parser.parse_args()
    # That processes die and are started again is no news here.
    logging.configure("chaos", "error")
    seed = random.randrange(1_000_000) if asked.seed is None else asked.seed
    data = asked.data or Path(tempfile.mkdtemp(prefix="pressline-chaos-"))
    fine = asyncio.run(run(data, asked.duration, seed))
    if not fine:
        print(f"logs and data are in {data}")
    elif asked.data is None:
        shutil.rmtree(data)
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()

"""The rendering engine beside the script that a user would write, one after the other in turns.

python -m benchmarks.engine --rounds 5 --items 60 --only card,invoice-pdf

The script makes a fifth of the items of a turn.
"""

from __future__ import annotations

from benchmarks import command
from benchmarks.contest import compete
from benchmarks.contestants import Contestant, in_own_process
from benchmarks.engine_alone import engine_in_own_process
from benchmarks.plain_script import plain_script
from benchmarks.tables import SCRIPT


def main() -> None:
    """Measure, print, and keep the results."""
    wanted = command.wanted(__doc__)
    with engine_in_own_process() as engine, in_own_process(plain_script) as script:
        contestants: dict[str, Contestant] = {"engine alone": engine, SCRIPT: script}
        compete("engine", contestants, wanted)


if __name__ == "__main__":
    main()

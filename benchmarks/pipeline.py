"""The whole system, the engine alone, and the script that a user would write, in turns.

    python -m benchmarks.pipeline --rounds 5 --items 60 --only card,invoice-pdf

A stack of its own is started, with one renderer on the embedded servers.
"""

from __future__ import annotations

from benchmarks import command
from benchmarks.contest import compete
from benchmarks.contestants import Contestant, in_own_process
from benchmarks.end_to_end import end_to_end
from benchmarks.engine_alone import engine_in_own_process
from benchmarks.plain_script import plain_script
from benchmarks.tables import SCRIPT


def main() -> None:
    """Measure, print, and keep the results."""
    wanted = command.wanted(__doc__)
    with (
        end_to_end() as system,
        engine_in_own_process() as engine,
        in_own_process(plain_script) as script,
    ):
        contestants: dict[str, Contestant] = {"end to end": system, "engine alone": engine, SCRIPT: script}
        compete("pipeline", contestants, wanted)


if __name__ == "__main__":
    main()

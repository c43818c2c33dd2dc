"""Two thousand renders in one engine: whether memory or speed change, and what is left behind.

    python -m benchmarks.endurance --items 2000 --only card-png

Memory is that of the renderer's whole process tree; the browsers are replaced on the way as they are in a renderer.
"""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks import command, tables, usage
from benchmarks.cases import Case, chosen
from benchmarks.contestants import Child
from benchmarks.engine_alone import engine_in_own_process

# Items of one turn, after which memory is looked at.
TURN = 100
# What is compared with the end: after this many items everything has been used once.
WARM = 200


def main() -> None:
    """Measure, print, and keep the results."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--items", type=int, default=2000, help="files in all")
    options.add_argument("--only", default="card-png", help="one case")
    given = options.parse_args()
    (case,) = chosen(given.only)
    with engine_in_own_process() as engine:
        points = [measured(engine, case, number) for number in range(TURN, given.items + 1, TURN)]
        zombies = usage.zombies(engine.root)
    found = {"case": case.name, "points": points, "zombies": zombies} | compared(points)
    show(found)
    command.write("endurance", found)


def measured(engine: Child, case: Case, after: int) -> dict[str, Any]:
    """One more turn."""
    engine.render(case, TURN)
    return {
        "items": after,
        "items_per_second": TURN / engine.turn().seconds,
        "memory_mib": usage.memory_mib(engine.root),
    }


def compared(points: list[dict[str, Any]]) -> dict[str, float]:
    """The end against the beginning: memory after the last item, and the speed of the last 200."""
    warm = next(point for point in points if point["items"] == WARM)
    early = [point["items_per_second"] for point in points if WARM < point["items"] <= 2 * WARM]
    late = [point["items_per_second"] for point in points[-len(early) :]]
    return {
        "memory_ratio": points[-1]["memory_mib"] / warm["memory_mib"],
        "speed_ratio": sum(late) / sum(early),
    }


def show(found: dict[str, Any]) -> None:
    """Print every point and the comparison."""
    print(f"| {found['case']} | items/s | memory, MiB |\n|---|---|---|")
    for point in found["points"]:
        print(f"| {point['items']} | {point['items_per_second']:.1f} | {point['memory_mib']:.0f} |")
    print("\n".join(["", *tables.of_endurance(found)]))


if __name__ == "__main__":
    main()

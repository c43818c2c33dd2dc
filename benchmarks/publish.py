"""Puts what was measured last into docs/performance.md: its tables and its plots.

    python -m benchmarks.publish

What was not measured stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks import plots, tables
from benchmarks.command import RESULTS

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "performance.md"


def main() -> None:
    """Write."""
    if found := _read("pipeline"):
        _tables("pipeline", _contest(found))
        _plot("rates", plots.bars("Files a second, against the plain script", _values(found, "ratio"), "x"))
        _plot("cpu", plots.bars("Processor time per file, ms", _values(found, "cpu_ms"), ""))
    if found := _read("parts"):
        _tables("parts", tables.of_parts(found))
    if found := _read("endurance"):
        _tables("endurance", tables.of_endurance(found))
        _plot("endurance", _endurance(found["points"]))
    if found := _read("soak"):
        _tables("soak", tables.of_soak(found))
        _plot("soak", _soak(found))
    if found := _read("scheduler"):
        _tables("scheduler", tables.of_scheduler(found))


def _contest(found: Mapping[str, Any]) -> list[str]:
    machine = found["machine"]
    busy = f"{machine['cores_kept_busy_by_others']:.1f} of {machine['cores']} cores"
    lines = [f"Turns: {found['rounds']}, of {found['items']} files. Other processes kept {busy} busy meanwhile."]
    for case, summaries in found["cases"].items():
        lines += ["", *tables.of_case(case, summaries)]
    return lines


def _endurance(points: list[dict[str, float]]) -> str:
    series = {
        "memory of the process tree, MiB": [point["memory_mib"] for point in points],
        "files a second": [point["items_per_second"] for point in points],
    }
    return plots.lines("One engine over many renders", [point["items"] for point in points], series)


def _soak(found: Mapping[str, Any]) -> str:
    rows = {
        name: {"memory, MiB": each["memory_mib"]["values"], "file descriptors": each["descriptors"]["values"]}
        for name, each in found["processes"].items()
    }
    return plots.panels("Steady load", [seconds / 60 for seconds in found["seconds"]], rows, "minutes")


def _values(found: Mapping[str, Any], figure: str) -> dict[str, dict[str, float]]:
    return {
        case: {name: each[figure] for name, each in summaries.items()} for case, summaries in found["cases"].items()
    }


def _tables(name: str, lines: Iterable[str]) -> None:
    """Replace what stands between the marks of a name."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    page = PAGE.read_text("utf-8")
    before, after = page.split(begin)[0], page.split(end)[1]
    PAGE.write_text("\n".join([before + begin, "", *lines, "", end + after]), "utf-8")


def _plot(name: str, drawing: str) -> None:
    (DOCS / "images" / f"performance-{name}.svg").write_text(drawing, "utf-8")


def _read(name: str) -> dict[str, Any]:
    file = RESULTS / f"{name}.json"
    return dict(json.loads(file.read_text("utf-8"))) if file.exists() else {}


if __name__ == "__main__":
    main()

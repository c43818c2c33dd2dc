"""What the programs have in common: their options, and where their results go."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cases import Case, chosen

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Wanted:
    """What was asked for on the command line."""

    cases: Sequence[Case]
    rounds: int
    items: int


def wanted(description: str | None) -> Wanted:
    """Read the command line."""
    options = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5, help="turns that everyone takes at each case")
    options.add_argument("--items", type=int, default=60, help="files of a turn; the script makes a fifth of them")
    options.add_argument("--only", help="cases or documents, separated by commas")
    given = options.parse_args()
    return Wanted(chosen(given.only), given.rounds, given.items)


def write(name: str, found: Mapping[str, Any]) -> None:
    """Keep results as JSON beside the programs, in place of what was measured before."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(_rounded(found), indent=1) + "\n", "utf-8")


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return round(value, 2) if isinstance(value, float) else value

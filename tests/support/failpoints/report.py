"""How the kills of all rounds came out, as a table."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence

from services.common.failpoints import Failpoint
from tests.support.failpoints.kills import Kill


def by_point(kills: Iterable[Kill]) -> Mapping[Failpoint, Sequence[Kill]]:
    """The kills at each failpoint, the failpoints in the order of their declaration."""
    known = list(kills)
    return {point: [kill for kill in known if kill.point is point] for point in Failpoint}


def recovered(kills: Sequence[Kill]) -> Sequence[Kill]:
    """Those after which everything came to its right end."""
    return [kill for kill in kills if math.isfinite(kill.seconds)]


def table(kills: Iterable[Kill]) -> str:
    """Failpoint, kills, recovered, and the median of seconds to recover."""
    lines = [f"{'failpoint':<36}{'kills':>6}{'recovered':>11}{'seconds (median)':>18}"]
    total = healed = 0
    for point, killed in by_point(kills).items():
        good = recovered(killed)
        median = f"{statistics.median(kill.seconds for kill in good):.1f}" if good else "-"
        lines.append(f"{point:<36}{len(killed):>6}{len(good):>11}{median:>18}")
        total, healed = total + len(killed), healed + len(good)
    lines.append(f"{'all':<36}{total:>6}{healed:>11}")
    return "\n".join(lines)

"""What a run came to, as text."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from tests.chaos.checker import Findings
from tests.chaos.injector import Injected
from tests.chaos.record import Record
from tests.chaos.settling import Rest

# What must be zero, in the order in which it is printed.
ZEROES = (
    "items lost",
    "items or batches ended twice",
    "items or batches left a terminal state",
    "wrong counts",
    "objects missing",
    "messages stranded",
    "webhook ids not 1",
    "batches not ended in time",
    "calls refused",
    "faults not injected",
)
EXAMPLES = 5


def recoveries(injected: Sequence[Injected], completed_ms: Sequence[int]) -> Mapping[str, list[float]]:
    """Seconds from each fault until the next item completed, by kind of fault.

    Args:
        injected: the faults.
        completed_ms: when items completed, in any order, in milliseconds since 1970.
    """
    times, by_kind = sorted(completed_ms), dict[str, list[float]]()
    for each in injected:
        following = bisect_right(times, each.at_ms)
        seconds = [(times[following] - each.at_ms) / 1000] if following < len(times) else []
        by_kind.setdefault(each.fault.kind.name, []).extend(seconds)
    return by_kind


def lines(
    injected: Sequence[Injected], completed_ms: Sequence[int], record: Record, rest: Rest, findings: Findings
) -> Iterator[str]:
    """The report, line by line."""
    counted = Counter(each.fault.kind.name for each in injected)
    recovered = recoveries(injected, completed_ms)
    yield f"{'fault':32} {'times':>5}   next item completed after, in seconds"
    yield f"{'':32} {'':>5} {'median':>8} {'longest':>8}"
    for name in sorted(counted):
        seconds = recovered[name]
        figures = f"{median(seconds):8.1f} {max(seconds):8.1f}" if seconds else f"{'-':>8} {'-':>8}"
        yield f"{name:32} {counted[name]:5} {figures}"
    yield f"{'all':32} {len(injected):5}"
    yield ""
    cancelled = sum(batch.cancelled for batch in record.batches)
    yield (
        f"acknowledged: {record.items} items in {len(record.batches)} batches, {cancelled} of them cancelled, "
        f"and in {len(record.submissions) - len(record.batches)} single renders"
    )
    yield "items: " + ", ".join(f"{count} {name}" for name, count in findings.outcomes.most_common())
    attempts = sorted(findings.attempts.items())
    yield "attempts: " + ", ".join(f"{count} items with {times}" for times, count in attempts)
    yield "answers: " + ", ".join(f"{count} with {status}" for status, count in record.answers.most_common())
    yield "after the last fault: " + "; ".join(
        f"{what} after {'never' if seconds is None else f'{seconds:.1f} s'}"
        for what, seconds in (
            ("every batch ended", rest.ended_after),
            ("every webhook came", rest.announced_after),
            ("JetStream empty", rest.emptied_after),
        )
    )
    yield ""
    for kind in ZEROES:
        sentences = findings.wrong.get(kind, [])
        yield f"{kind:40} {len(sentences):5}"
        yield from (f"    {sentence}" for sentence in sentences[:EXAMPLES])

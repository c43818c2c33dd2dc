"""Results as lines of Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

SCRIPT = "plain script"
Summary = Mapping[str, Any]


def of_case(case: str, summaries: Mapping[str, Summary]) -> Iterator[str]:
    """One case: every contestant, and what each kind of process used."""
    yield f"| {case} | items/s | against the script | CPU ms per item | p50 ms | p95 ms | kB | memory, MiB |"
    yield "|---|---|---|---|---|---|---|---|"
    for name, each in summaries.items():
        ratio = "1" if name == SCRIPT else f"**{each['ratio']:.1f}x**"
        yield (
            f"| {name} | {each['items_per_second']:.1f} | {ratio} | {each['cpu_ms']:.1f} | {each['p50_ms']:.0f} "
            f"| {each['p95_ms']:.0f} | {each['bytes'] / 1000:.0f} | {each['memory_mib']:.0f} |"
        )
    for name, each in summaries.items():
        yield ""
        yield f"CPU ms per item, {name}: {_by_process(each)}."


def of_parts(found: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """The steps of a card."""
    yield "| Card as PNG | CPU ms | kB |"
    yield "|---|---|---|"
    for name, ms in found["cpu_ms"].items():
        size = found["bytes"][name]
        yield f"| {name} | {ms:.1f} | {f'{size / 1000:.0f}' if size else ''} |"


def of_endurance(found: Mapping[str, Any]) -> Iterator[str]:
    """The end of a long run against its beginning."""
    last = found["points"][-1]
    yield f"| {last['items']} renders of {found['case']} in one engine | |"
    yield "|---|---|"
    yield f"| memory at the end, against that after 200 | {found['memory_ratio']:.2f} |"
    yield f"| files a second of the last 200, against those of 200 to 400 | {found['speed_ratio']:.2f} |"
    yield f"| zombie processes | {found['zombies']} |"


def of_scheduler(found: Mapping[str, Any]) -> Iterator[str]:
    """A short queue and a long one."""
    busy = f"{found['cores_kept_busy_by_others']:.1f} of {found['cores']} cores"
    yield f"Turns: {found['rounds']} of each. Other processes kept {busy} busy meanwhile."
    yield ""
    yield "| items queued | items/s | against the short queue | CPU ms per item |"
    yield "|---|---|---|---|"
    for number, (queued, each) in enumerate(found["queued"].items()):
        ratio = f"**{found['ratio']:.2f}x**" if number else "1"
        yield f"| {queued} | {each['items_per_second']:.0f} | {ratio} | {each['cpu_ms']:.1f} |"
    for queued, each in found["queued"].items():
        used = ", ".join(f"{kind} {ms:.1f}" for kind, ms in each["cpu_ms_by_process"].items())
        yield ""
        yield f"CPU ms per item, {queued} queued: {used}."


def of_soak(found: Mapping[str, Any]) -> Iterator[str]:
    """Every process at the beginning and at the end of a long run."""
    yield (
        f"{found['items']} files and {found['webhooks']} webhooks in {found['minutes']:g} minutes; all that ran on the "
        f"machine kept {found['cores_busy']:.1f} cores busy. Services that ended meanwhile: "
        f"{found['ended_processes']}; zombie processes: {found['zombies']}."
    )
    yield ""
    yield "| medians of the first and the last fifth | memory, MiB | | ratio | descriptors | | ratio |"
    yield "|---|---|---|---|---|---|---|"
    for name, each in found["processes"].items():
        memory, files = each["memory_mib"], each["descriptors"]
        yield (
            f"| {name} | {memory['first']:.1f} | {memory['last']:.1f} | {memory['ratio']:.2f} "
            f"| {files['first']:.0f} | {files['last']:.0f} | {files['ratio']:.2f} |"
        )


def _by_process(summary: Summary) -> str:
    used = summary["cpu_ms_by_process"]
    rest = sum(ms for kind, ms in used.items() if kind != "chromium")
    return ", ".join(f"{kind} {ms:.1f}" for kind, ms in used.items()) + f"; without chromium {rest:.1f}"

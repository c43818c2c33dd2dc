"""One run: the system, the work, the faults, and then the reckoning."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

from tests.chaos import plan, report, settling
from tests.chaos.callers import Caller
from tests.chaos.checker import Checker, Findings
from tests.chaos.hooks import Hooks
from tests.chaos.injector import Injector
from tests.chaos.load import Load
from tests.chaos.record import Record
from tests.chaos.system import System, running
from tests.chaos.watcher import Watcher

ACCOUNTS = ("ada", "bea", "cyd")
# Before the first fault everything works.
FIRST_ITEMS = 10
FIRST_SECONDS = 180.0
ANSWERED_WITHIN_SECONDS = 120.0


async def run(data: Path, duration: float, seed: int) -> bool:
    """Run, print the report, and say whether all is as it must be.

    Args:
        data: a folder for the system's data, made if it is missing.
        duration: seconds in which faults are injected.
        seed: of the faults and of the work.
    """
    scale = plan.Scale.of(duration)
    faults = plan.drawn(seed, duration, scale.kinds())
    settings = {"PRESSLINE_WEBHOOK_ALLOW": "127.0.0.0/8", "PRESSLINE_LEASE_SECONDS": f"{scale.lease_seconds:g}"}
    print(f"{len(faults)} faults in {duration:g} s; the same again with SEED={seed}", flush=True)
    hooks, record, findings = Hooks(), Record(), Findings()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(hooks.serving())
        system = await stack.enter_async_context(running(data, settings))
        watcher, stop_watching = Watcher(system.mongodb_url), asyncio.Event()
        watching = asyncio.create_task(watcher.run(stop_watching))
        callers = {
            name: await stack.enter_async_context(Caller(system.api, await system.key(name), name, record))
            for name in ACCOUNTS
        }
        load = Load(list(callers.values()), record, hooks, lambda: watcher.open_items)
        injector = Injector(system)
        await _disturb(load, injector, faults, watcher, record, seed)
        rest = await settling.until_at_rest(system, watcher, record, hooks)
        await Checker(callers, record, hooks).check(findings)
        stop_watching.set()
        await watching
        _add(findings, watcher, rest, record, injector, system)
    completed = [ended[2] for ended in watcher.ended.values() if ended[0] == "succeeded"]
    print(*report.lines(injector.injected, completed, record, rest, findings), sep="\n", flush=True)
    return not findings.wrong


async def _disturb(
    load: Load, injector: Injector, faults: list[plan.Fault], watcher: Watcher, record: Record, seed: int
) -> None:
    stop = asyncio.Event()
    working = asyncio.create_task(load.run(stop, seed))
    async with asyncio.timeout(FIRST_SECONDS):
        while len(watcher.ended) < FIRST_ITEMS:
            await asyncio.sleep(0.1)
    await injector.run(faults)
    stop.set()
    done, late = await asyncio.wait({working}, timeout=ANSWERED_WITHIN_SECONDS)
    for task in late:
        task.cancel()
        record.refused.append(f"calls were not answered {ANSWERED_WITHIN_SECONDS:g} s after the last fault")
    for task in done:
        task.result()


def _add(
    findings: Findings, watcher: Watcher, rest: settling.Rest, record: Record, injector: Injector, system: System
) -> None:
    for name in sorted(watcher.left):
        findings.add("items or batches left a terminal state", name)
    for name in sorted(watcher.repeated | set(_logged_twice(system))):
        findings.add("items or batches ended twice", name)
    if rest.ended_after is None:
        findings.add("batches not ended in time", f"{watcher.open_batches} batches are open")
    if rest.emptied_after is None:
        findings.add("messages stranded", f"{rest.messages} messages")
    for sentence in record.refused:
        findings.add("calls refused", sentence)
    for sentence in injector.impossible:
        findings.add("faults not injected", sentence)


def _logged_twice(system: System) -> Iterator[str]:
    """Items and batches that schedulers say they have ended more than once."""
    times = Counter[str]()
    for line in system.log("scheduler").read_text(errors="replace").splitlines():
        if '"item.ended"' in line or '"batch.ended"' in line:
            said = json.loads(line)
            times[said.get("item") or said["batch"]] += 1
    return (name for name, count in times.items() if count > 1)

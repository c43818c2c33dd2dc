"""Two schedulers that die anywhere, messages that are lost, repeated, late and in any order, leases that run out.

Every call of a store is a step of its own, so that whatever two schedulers do at once is met in every order, and
whoever does it may die between any two. The reference in memory is driven alone, often; and a real database beside it,
which has to answer every call alike. `make test-model` does both at length.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from services.common import ids
from services.scheduler import clock, model, slots
from services.scheduler.parts import Parts
from services.scheduler.store.items import Fence
from services.scheduler.stores import Stores
from tests.support.databases import fresh_database
from tests.support.servers import UrlServer
from tests.support.simulation import checks
from tests.support.simulation.world import World

EXAMPLES = int(os.environ.get("PRESSLINE_MODEL_EXAMPLES", "60"))
REAL_EXAMPLES = max(EXAMPLES // 10, 1)
# The same examples each time, unless there are many.
SAME = EXAMPLES <= 100
STEPS = 50
MOST_AT_ONCE = 3
LEASE_MS = 45_000
RENDERERS_DO = ["claim", "succeed", "fail", "crash", "crash", "hand back", "extend"]
# Of several, mostly one of the newest.
ANY = st.integers(0, 3) | st.integers(0, 99)
# All of something at once; only begun, to go on step by step; or so many calls of it, and whoever does it dies.
How = str | int
WHOLE, BEGUN = "whole", "begun"
HOW = st.sampled_from([WHOLE, WHOLE, BEGUN, BEGUN, 1, 2, 3])
Run = Callable[[Coroutine[Any, Any, Any]], Any]


class Schedulers(RuleBasedStateMachine):
    """What may happen to a few batches of one account."""

    make: Callable[[], World]
    run: Run

    def __init__(self) -> None:
        super().__init__()
        self.world = type(self).make()
        clock_of.append(self.world)
        self.batches: list[str] = []
        self.leases: list[Fence] = []
        self.won: dict[str, tuple[Fence, bool]] = {}
        # Those whose cancel was answered.
        self.cancelled: set[str] = set()
        self.checked = 0
        self.calm = 0

    @initialize(
        total=st.integers(1, 3),
        window=st.integers(0, 2),
        refused=st.integers(0, 2),
        second=st.booleans(),
        calm=st.sampled_from([2, 3, 4, 6, 99]),
    )
    def submit(self, total: int, window: int, refused: int, calm: int, *, second: bool) -> None:
        self.calm = calm
        self.go(self.world.open())
        self.batches.append(self.go(self.world.submit(total, window, min(refused, total))))
        if second:
            self.batches.append(self.go(self.world.submit(1, 1, 0)))
        self.act(self.parts(0).dispatcher._round(), WHOLE)

    def teardown(self) -> None:
        try:
            if self.batches:
                self.go(checks.recovers(self.world))
        finally:
            self.go(self.world.close())
            clock_of.remove(self.world)

    @precondition(lambda self: self.may_begin())
    @rule(which=ANY, who=ANY, what=st.sampled_from(RENDERERS_DO), how=HOW)
    def render(self, which: int, who: int, what: str, how: How) -> None:
        """A renderer does something with one of its leases, or gets one."""
        if what == "claim" or not self.leases:
            if self.world.network.jobs:
                self._claim(which, self.parts(who), how)
            return
        fence, tasks = pick(self.leases, which), self.parts(who).tasks
        if what in {"succeed", "fail"}:
            self._report(fence, self.parts(who), how, succeeded=what == "succeed")
        elif what == "extend":
            self.act(tasks.extend(fence), how)
        else:
            self.act(tasks.hand_back(fence, "asked to", crashed=what == "crash"), how)

    @precondition(lambda self: self.may_begin() and self.world.network.jobs)
    @rule(which=ANY, who=ANY, how=HOW, lost=st.booleans())
    def claim(self, which: int, who: int, how: How, *, lost: bool) -> None:
        """A renderer hears of an item, perhaps of one whose renderer was lost."""
        if lost:
            self.world.now += LEASE_MS + 1
        self._claim(which, self.parts(who), how)

    @precondition(lambda self: self.may_begin())
    @rule(who=ANY, what=st.sampled_from(["dispatch", "sweep", "free"]), how=HOW)
    def schedule(self, who: int, what: str, how: How) -> None:
        """A scheduler looks for what is to be done."""
        parts = self.parts(who)
        rounds = {
            "dispatch": parts.dispatcher._round,
            "sweep": parts.sweeper.sweep,
            "free": parts.finisher.free_gathered,
        }
        self.act(rounds[what](), how)

    @precondition(lambda self: self.may_begin() and len(self.world.reference.items.changes) >= self.calm)
    @rule(which=ANY, who=ANY, how=HOW)
    def cancel(self, which: int, who: int, how: How) -> None:
        """A caller cancels a batch."""
        parts, batch_id = self.parts(who), pick(self.batches, which)

        async def request() -> None:
            marked = await parts.canceller.mark(batch_id)
            self.cancelled.add(batch_id)
            if marked:
                await parts.canceller.settle(batch_id)

        self.act(request(), how)

    @precondition(lambda self: self.world.running)
    @rule(which=ANY, what=st.sampled_from(["step", "step", "step", "step", "finish", "die"]))
    def go_on(self, which: int, what: str) -> None:
        """Whoever has begun something makes one more call, or all the others, or none any more."""
        one = pick(self.world.running, which)
        self.go({"step": self.world.step, "finish": self.world.finish, "die": self.world.kill}[what](one))

    @precondition(lambda self: self.world.running)
    @rule(which=ANY)
    def step(self, which: int) -> None:
        """The same again: most of what happens is that something goes on."""
        self.go(self.world.step(pick(self.world.running, which)))

    @rule(which=ANY, milliseconds=st.sampled_from([0, 1, 1_000, 16_000, LEASE_MS + 1]))
    def pass_time(self, which: int, milliseconds: int) -> None:
        """Time goes by, or a message is lost."""
        self.world.now += milliseconds
        if not milliseconds and self.world.network.jobs:
            self.world.network.jobs.remove(pick(self.world.network.jobs, which))

    @invariant()
    def holds(self) -> None:
        changes = self.world.reference.items.changes
        for change in changes[self.checked :]:
            checks.change(change, self.world.now)
        self.checked = len(changes)
        checks.state(self.world)

    def _claim(self, which: int, parts: Parts, how: How) -> None:
        item_id = pick(self.world.network.jobs, which)
        cancelled = ids.batch_of(item_id) in self.cancelled

        def granted(answer: Any) -> None:
            if answer.WhichOneof("outcome") == "task":
                lease = answer.task.lease
                assert not cancelled, "it was claimed after its batch was cancelled"
                self.leases.append(Fence(lease.item_id, lease.attempt, lease.token))

        self.act(parts.tasks.claim(item_id, "renderer"), how, granted)

    def _report(self, fence: Fence, parts: Parts, how: How, *, succeeded: bool) -> None:
        def accepted(_: Any) -> None:
            assert self.won.setdefault(fence.item_id, (fence, succeeded)) == (fence, succeeded), "it ended twice"

        errors = [] if succeeded else [checks.ERROR]
        self.act(parts.tasks.end(fence, [], errors, [], 5), how, accepted)

    def parts(self, who: int) -> Parts:
        return self.world.schedulers[who % 2]

    def may_begin(self) -> bool:
        return len(self.world.running) < MOST_AT_ONCE

    def act(self, work: Coroutine[Any, Any, Any], how: How, conclude: Callable[[Any], None] = lambda _: None) -> None:
        self.go(self._act(work, how, conclude))

    async def _act(self, work: Coroutine[Any, Any, Any], how: How, conclude: Callable[[Any], None]) -> None:
        one = self.world.begin(work, conclude)
        if how == WHOLE:
            await self.world.finish(one)
        elif how != BEGUN:
            # The first step leads to the first call.
            for _ in range(int(how) + 1):
                if await self.world.step(one):
                    return
            await self.world.kill(one)

    def go(self, work: Coroutine[Any, Any, Any]) -> Any:
        return type(self).run(work)


# The world whose clock everybody reads.
clock_of: list[World] = []


def pick(several: list[Any], which: int) -> Any:
    return several[-1 - which % len(several)]


def drive(make: Callable[[], World], run: Run, examples: int) -> None:
    """Many examples, each in a world of its own."""
    machine = type("Machine", (Schedulers,), {"make": staticmethod(make), "run": staticmethod(run)})
    how = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        derandomize=SAME,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=how)


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[asyncio.AbstractEventLoop]:
    """A loop for what the machine does, in which the schedulers read its clock and try less often than they would."""
    monkeypatch.setattr(clock, "now_ms", lambda: clock_of[-1].now)
    monkeypatch.setattr(model, "MAX_ATTEMPTS", 5)
    monkeypatch.setattr(slots, "LEAST_LEFT", 1)
    own = asyncio.new_event_loop()
    saved = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield own
    structlog.configure(**saved)
    own.close()


@pytest.mark.timeout(120 + EXAMPLES * 2)
def test_the_reference_keeps_its_promises(loop: asyncio.AbstractEventLoop) -> None:
    drive(lambda: World(None), loop.run_until_complete, EXAMPLES)


@pytest.mark.timeout(240 + REAL_EXAMPLES * 30)
def test_a_database_keeps_them_as_well_and_answers_alike(
    loop: asyncio.AbstractEventLoop, mongodb_server: UrlServer
) -> None:
    @asynccontextmanager
    async def stores() -> AsyncIterator[Stores]:
        async with fresh_database(mongodb_server) as database:
            yield Stores.of(database)

    opened = stores()
    real = loop.run_until_complete(opened.__aenter__())
    try:
        drive(lambda: World(real), loop.run_until_complete, REAL_EXAMPLES)
    finally:
        loop.run_until_complete(opened.__aexit__(None, None, None))

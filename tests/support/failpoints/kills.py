"""The kills of one round, every failpoint at least once, and what each of them had to recover.

Four lines of kills run beside each other, one for each service. What takes longest to recover is killed first.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from services.common.failpoints import Failpoint
from tests.support.failpoints.processes import Service, Services
from tests.support.failpoints.surroundings import Surroundings
from tests.support.failpoints.work import Archived, Cancelled, Dropped, Removed, Work

W = TypeVar("W", bound=Work)
KILL_SECONDS = 300
# As long as nothing has killed a process, there is more work for it every so often.
MORE_SECONDS = 15
LOOK_SECONDS = 1
# What renderers left behind is met by then; or it was taken up in another way.
MET_SECONDS = 60

# In their order: those that find what other lines left half done, and then those that heal slowest.
AFTER_OTHERS = (Failpoint.SWEEP_RING_COUNTED, Failpoint.CLAIM_TAKEN_OVER)
BY_WORK: tuple[tuple[type[Work], tuple[Failpoint, ...]], ...] = (
    (
        Removed,
        (
            Failpoint.REMOVE_BEGUN,
            Failpoint.REMOVE_ARCHIVES_DELETED,
            Failpoint.REMOVE_OBJECTS_DELETED,
            Failpoint.REMOVE_ITEMS_DELETED,
            Failpoint.REMOVE_BURIED,
        ),
    ),
    (
        Work,
        (
            Failpoint.DELIVER_LEASED,
            Failpoint.CREATE_KEY_TAKEN,
            Failpoint.CREATE_INSERTED,
            Failpoint.CREATE_HELD,
            Failpoint.CREATE_RESERVED,
            Failpoint.CREATE_CHUNK_STORED,
            Failpoint.CREATE_COMMITTED,
            Failpoint.CREATE_ANSWER_KEPT,
        ),
    ),
    (Archived, (Failpoint.ARCHIVE_QUEUED, Failpoint.ARCHIVE_COMPLETED)),
    (
        Cancelled,
        (Failpoint.CANCEL_MARKED, Failpoint.CANCEL_CHUNK_CANCELLED, Failpoint.CANCEL_ITEMS_CANCELLED),
    ),
    (
        Work,
        (
            Failpoint.DISPATCH_PLACE_TAKEN,
            Failpoint.DISPATCH_BATCH_STARTED,
            Failpoint.DISPATCH_SLOT_TAKEN,
            Failpoint.DISPATCH_ITEM_DISPATCHED,
            Failpoint.DISPATCH_RUNG,
            Failpoint.CLAIM_LEASED,
            Failpoint.COMPLETE_ITEM_ENDED,
            Failpoint.COMPLETE_SLOT_FREED,
            Failpoint.FINISH_BATCH_ENDED,
            Failpoint.FINISH_PLACE_LEFT,
            Failpoint.FINISH_USE_NOTED,
            Failpoint.FINISH_SETTLED,
            Failpoint.PUBLISH_EVENT_STORED,
            Failpoint.PUBLISH_IN_FEED,
            Failpoint.PUBLISH_ADDRESSED,
            Failpoint.PUBLISH_RUNG,
            Failpoint.DELIVER_RECORDED,
        ),
    ),
)
OF_DROPPED = (Failpoint.SWEEP_GIVEN_UP, Failpoint.SWEEP_ITEMS_DELETED)
OF_GATEWAY = (Failpoint.CREATE_ACCEPTED,)
OF_RENDERERS = (
    Failpoint.CLAIM_FETCHED,
    Failpoint.CLAIM_ANSWERED,
    Failpoint.STORE_RENDERED,
    Failpoint.STORE_PUT,
    Failpoint.COMPLETE_REPORTED,
)
OF_NOTIFIERS = (Failpoint.DELIVER_RECEIVED, Failpoint.DELIVER_SENT)


@dataclass
class Kill:
    """A process that killed itself.

    Attributes:
        point: where.
        at: when (monotonic seconds).
        had: the work that was under way.
        items_alone: whether its items are all that the process had to do with.
    """

    point: Failpoint
    at: float
    had: Sequence[Work]
    items_alone: bool = False

    @property
    def seconds(self) -> float:
        """From the kill until the work had its right end; infinite when it has none."""
        ends = [work.items_right if self.items_alone else work.all_right for work in self.had]
        return max(max(ends, default=self.at) - self.at, 0)


@dataclass
class Round:
    """Kills a process at every failpoint.

    Args:
        services: its processes, of which none runs.
        around: what work is done with.
    """

    services: Services
    around: Surroundings
    works: list[Work] = field(default_factory=list)
    kills: list[Kill] = field(default_factory=list)
    _running: list[asyncio.Task[None]] = field(default_factory=list)
    _left_by_renderers: list[Work] = field(default_factory=list)

    async def run(self) -> None:
        """All kills, and then the ends of all work."""
        try:
            async with asyncio.TaskGroup() as lines:
                for line in (self._scheduler, self._gateway, self._renderers, self._notifiers):
                    lines.create_task(line())
            await asyncio.gather(*self._running)
        finally:
            for running in self._running:
                running.cancel()

    def _begin(self, work: W) -> W:
        self.works.append(work)
        self._running.append(asyncio.create_task(work.run()))
        return work

    async def _gateway(self) -> None:
        service = self.services.gateway
        await service.start(*OF_GATEWAY)
        work = self._begin(Work(self.around))
        await self._killed(service, OF_GATEWAY[0], [work])
        await service.start()

    async def _renderers(self) -> None:
        armed = {point: self.services.another_renderer() for point in (*OF_RENDERERS, Failpoint.ARCHIVE_STORED)}
        await asyncio.gather(*(service.start(point) for point, service in armed.items()))
        # It renders as any other does until it has an archive to make.
        archiving = armed.pop(Failpoint.ARCHIVE_STORED)
        await self._all_killed(armed, self._left_by_renderers, items_alone=True)
        await self._killed(archiving, Failpoint.ARCHIVE_STORED, [self._begin(Archived(self.around))])
        await self.services.renderer.start()

    async def _notifiers(self) -> None:
        armed = {point: self.services.another_notifier() for point in OF_NOTIFIERS}
        await asyncio.gather(*(service.start(point) for point, service in armed.items()))
        await self._all_killed(armed, [])
        await self.services.notifier.start()

    async def _all_killed(
        self, armed: dict[Failpoint, Service], works: list[Work], *, items_alone: bool = False
    ) -> None:
        """Give several processes work until each has killed itself."""
        works += [self._begin(Work(self.around)) for _ in armed]
        async with asyncio.TaskGroup() as watching:
            kills = [
                watching.create_task(self._killed(service, point, works, items_alone=items_alone))
                for point, service in armed.items()
            ]
            while (await asyncio.wait(kills, timeout=MORE_SECONDS))[1]:
                works.append(self._begin(Work(self.around)))

    async def _killed(
        self, service: Service, point: Failpoint, works: Sequence[Work], *, items_alone: bool = False
    ) -> None:
        async with asyncio.timeout(KILL_SECONDS):
            while not await service.killed(LOOK_SECONDS):
                failures = [work.failure for work in works if work.failure]
                assert not failures, f"nothing comes to {point}: {failures}"
        # Whose item or delivery it had is not known where several processes share the work: any that is under way.
        had = list(works) if service in (self.services.scheduler, self.services.gateway) else []
        if items_alone or not had:
            had += [work for work in self.works if (work.items_right if items_alone else work.all_right) == math.inf]
        self.kills.append(Kill(point, time.monotonic(), had, items_alone))

    async def _scheduler(self) -> None:
        for point in AFTER_OTHERS:
            leaving = asyncio.create_task(self._leave_more())
            await self._life(point, lambda: self._left_by_renderers, items_alone=True)
            leaving.cancel()
        dropped = await self._dropped()
        # Before a sweep has seen it, so that it is this sweep that gives it up.
        await dropped.run_out()
        for point in OF_DROPPED:
            await self._life(point, lambda: [dropped])
        for kind, points in BY_WORK:
            for point in points:
                await self._life(point, partial(self._begin_one, kind))
        await self.services.scheduler.start()

    async def _leave_more(self) -> None:
        """Have one more renderer leave an item behind whenever those before were taken up before they were met."""
        while True:
            await asyncio.sleep(MET_SECONDS)
            dying = self.services.another_renderer()
            await dying.start(Failpoint.CLAIM_ANSWERED)
            await self._all_killed({Failpoint.CLAIM_ANSWERED: dying}, self._left_by_renderers, items_alone=True)

    async def _dropped(self) -> Dropped:
        """Work whose caller does not come back after the kill; again, when it was other work that came to the kill."""
        while True:
            made: list[Dropped] = []
            await self._life(Failpoint.CREATE_CHUNK_STORED, partial(self._begin_into, made))
            if await made[0].is_half_stored():
                return made[0]

    def _begin_one(self, kind: type[Work]) -> Sequence[Work]:
        return [self._begin(kind(self.around))]

    def _begin_into(self, made: list[Dropped]) -> Sequence[Work]:
        made.append(self._begin(Dropped(self.around)))
        return made

    async def _life(self, point: Failpoint, begin: Callable[[], Sequence[Work]], *, items_alone: bool = False) -> None:
        """One life of the scheduler: started to die at a failpoint, and given the work that leads there."""
        await self.services.scheduler.start(point)
        await self._killed(self.services.scheduler, point, begin(), items_alone=items_alone)

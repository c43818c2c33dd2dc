"""Two schedulers, a network and a clock, all of them in a test's hands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, cast

from pydantic import SecretStr

from pressline.batch.v1 import batch_pb2
from pressline.event.v1 import event_pb2
from pressline.task.v1 import task_pb2
from services.common import bus, ids
from services.common.blobs import BlobStore
from services.common.bus import Bus
from services.common.errors import PresslineError, Reason
from services.scheduler import model
from services.scheduler.parts import Parts
from services.scheduler.settings import SchedulerSettings
from services.scheduler.store.database import Database
from services.scheduler.stores import Stores
from tests.support.simulation.reference import Document
from tests.support.simulation.stores import Reference, simulated
from tests.support.simulation.turns import Process
from tests.support.store_documents import batch, item

BEGAN_MS = 1_700_000_000_000
RENDER = task_pb2.Render(output=batch_pb2.OutputSpec(format=batch_pb2.FORMAT_PNG)).SerializeToString()
# What a renderer, a caller or a sweep is told when somebody else was first.
_REFUSALS = {Reason.STALE_ATTEMPT, Reason.CONFLICT}


class Network:
    """Takes what is published. Whether and when any of it is heard, and how often, is the test's business."""

    def __init__(self) -> None:
        self.jobs: list[str] = []
        self.event_ids: list[str] = []
        self.hints = self

    async def publish(self, subject: str, payload: bytes, _message_id: str) -> None:
        if subject == bus.EVENTS:
            self.event_ids.append(event_pb2.EventRef.FromString(payload).event_id)
        else:
            self.jobs.append(task_pb2.TaskRef.FromString(payload).item_id)

    async def waiting(self, _subscription: bus.Subscription) -> int:
        return 0

    async def give(self, _name: str, **_how: bool) -> None:
        return None


@dataclass
class Running:
    """A process, and what its end means."""

    process: Process
    conclude: Callable[[Any], None]


@dataclass
class World:
    """What the schedulers of one account share.

    Args:
        real: the stores of a database; without them, the reference alone is driven.
    """

    real: Stores | None
    account_id: str = field(default_factory=lambda: ids.new("acct"))
    now: int = BEGAN_MS
    network: Network = field(default_factory=Network)
    reference: Reference = field(default_factory=Reference)
    running: list[Running] = field(default_factory=list)

    def __post_init__(self) -> None:
        stores = simulated(self.reference, self.real)
        self.schedulers = [_scheduler(stores, self.network) for _ in range(2)]
        self.stores = stores

    async def open(self) -> None:
        """Make the account; it may run one batch at a time."""
        await self.stores.accounts.ensure(self.account_id, "free", b"", self.now)

    async def submit(self, total: int, window: int, refused: int) -> str:
        """Accept a batch, the first rows of which may not fit the template."""
        batch_id = ids.new("batch")
        await self.stores.batches.insert_creating(_batch(batch_id, self.account_id, total, window, refused, self.now))
        await self.stores.items.insert([_item(batch_id, self.account_id, i, i < refused) for i in range(total)])
        await self.stores.batches.commit(batch_id)
        self.now += 1
        return batch_id

    def begin(self, work: Coroutine[Any, Any, Any], conclude: Callable[[Any], None] = lambda _: None) -> Running:
        """Begin something that goes on step by step."""
        started = Running(Process(work), conclude)
        self.running.append(started)
        return started

    async def step(self, one: Running) -> bool:
        """Let something make one call; true when it has come to its end."""
        if not await one.process.step():
            return False
        self.running.remove(one)
        error = one.process.task.exception()
        if error is None:
            one.conclude(one.process.task.result())
        elif not isinstance(error, PresslineError) or error.reason not in _REFUSALS:
            raise error
        return True

    async def finish(self, one: Running) -> None:
        """Let something come to its end."""
        while not await self.step(one):
            await asyncio.sleep(0)

    async def kill(self, one: Running) -> None:
        """Whoever does it dies."""
        await one.process.kill()
        self.running.remove(one)

    async def close(self) -> None:
        """Leave nothing behind, in whatever state it is."""
        for one in list(self.running):
            await self.kill(one)
        if self.real is not None:
            for batch_id in self.reference.batches.batches:
                await self.real.items.delete_of(batch_id)
                await self.real.batches.delete(batch_id)
                await self.real.accounts.leave_place(self.account_id, batch_id)


def _scheduler(stores: Stores, network: Network) -> Parts:
    secrets = {"secret_key": SecretStr("ab" * 32), "service_token": SecretStr("t" * 16)}
    access = {"s3_url": "http://127.0.0.1:9", "s3_access_key": "a", "s3_secret_key": SecretStr("s")}
    settings = SchedulerSettings.model_validate({**secrets, **access})
    parts = Parts(settings, _no_database(), cast("BlobStore", None), cast("Bus", network))
    parts.stores = stores
    return parts


def _no_database() -> Database:
    class Nowhere:
        def collection(self, _name: str) -> None:
            return None

    return cast("Database", Nowhere())


def _batch(batch_id: str, account_id: str, total: int, window: int, refused: int, now: int) -> Document:
    return batch(
        _id=batch_id,
        account_id=account_id,
        dialect=batch_pb2.DIALECT_NATIVE,
        single=False,
        total=total,
        refused=refused,
        lane=model.lane(total),
        window=model.window(window),
        webhook_url="",
        metadata=b"",
        created_ms=now,
        expires_ms=now + 7 * 24 * 3_600_000,
        lease_ms=now + 30_000,
    )


def _item(batch_id: str, account_id: str, index: int, refused: bool) -> Document:
    made = item(batch_id, index, account_id=account_id, renders=[RENDER], data=b"{}", warnings=[])
    if refused:
        del made["open"]
        made["state"] = model.FAILED
    return made

"""A process that dies after any step of reserving or settling leaves a month that mends itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from services.scheduler import clock, model, usage
from services.scheduler.plans import Plans
from services.scheduler.store.batches import Batches
from services.scheduler.store.database import Database
from services.scheduler.store.usage import Usage
from services.scheduler.usage import Meter
from tests.support.databases import fresh_database
from tests.support.servers import UrlServer

ACCOUNT = {"_id": "acme", "plan": "free"}
PLANS = Plans(10_000, {"free": 20, "pro": 0, "business": 0, "enterprise": 0})
STEPS = 5


class DiedError(Exception):
    """The process is gone."""


class Mortal:
    """A ledger whose process dies after so many of its steps."""

    def __init__(self, inner: Usage, steps: int) -> None:
        self._inner = inner
        self._left = steps

    def __getattr__(self, name: str) -> Callable[..., Any]:
        step = getattr(self._inner, name)

        async def taken(*arguments: Any) -> Any:
            if not self._left:
                raise DiedError
            self._left -= 1
            return await step(*arguments)

        return taken


@pytest.fixture
async def database(mongodb_server: UrlServer) -> AsyncIterator[Database]:
    async with fresh_database(mongodb_server) as opened:
        yield opened


@pytest.fixture(autouse=True)
def nobody_waits_for_the_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "ABANDONED_MS", -1_000)


def meter(database: Database, steps: int | None = None) -> Meter:
    ledger = Usage(database)
    mortal: Any = ledger if steps is None else Mortal(ledger, steps)
    return Meter(mortal, Batches(database), PLANS)


async def figures(database: Database) -> tuple[int, int]:
    month = await meter(database).month("acme")
    return month.used, month.reserved


async def died(call: Any) -> bool:
    try:
        await call
    except DiedError:
        return True
    return False


@pytest.mark.parametrize("steps", range(STEPS))
async def test_a_reservation_that_died_is_taken_back_and_can_be_tried_again(database: Database, steps: int) -> None:
    whole = meter(database)
    await whole.reserve(ACCOUNT, "batch_other", 7, 1)
    await Batches(database).insert_creating({"_id": "batch_other", "account_id": "acme", "created_ms": 1})
    # total, hold, add, moved: after these four it is done.
    assert await died(meter(database, steps).reserve(ACCOUNT, "batch_a", 13, 1)) == (steps < 4)
    await whole.repair([])
    await whole.repair([])
    assert await figures(database) == (0, 7)
    await whole.reserve(ACCOUNT, "batch_a", 13, 1)
    assert await figures(database) == (0, 20)


@pytest.mark.parametrize("steps", range(STEPS + 1))
async def test_a_settlement_that_died_is_finished(database: Database, steps: int) -> None:
    whole, now = meter(database), clock.now_ms()
    await whole.reserve(ACCOUNT, "batch_a", 12, 3)
    ended = {"_id": "batch_a", "state": model.PARTIAL, "counts": {"succeeded": 3}, "created_ms": now}
    await database.collection("batches").insert_one(ended)
    # row, total, use, add, moved: after these five it is done.
    assert await died(meter(database, steps).settle("batch_a", 3)) == (steps < 5)
    await whole.repair([])
    assert await figures(database) == (9, 0)
    await whole.settle("batch_a", 3)
    await whole.repair([])
    assert await figures(database) == (9, 0)

"""The ledger of renders on a MongoDB-protocol server: nothing is counted twice or lost, whoever dies when."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.scheduler.store.database import Database
from services.scheduler.store.usage import Usage

NOW = 1_000_000
LATER = NOW + 60_000
PERIOD = "acme:2026-11"


@pytest.fixture
def usage(database: Database) -> Usage:
    return Usage(database)


async def held(usage: Usage, batch: str, renders: int, limit: int = 100) -> bool:
    seen = await usage.total(PERIOD)
    token = await usage.hold(batch, PERIOD, renders, 1, NOW)
    assert token
    if await usage.add(seen, renders, renders, limit):
        return await usage.moved(batch, token)
    await usage.withdraw(batch, token)
    return False


async def figures(usage: Usage) -> tuple[int, int]:
    """Total, and what of it is reserved."""
    total = await usage.total(PERIOD)
    return total["total"], total["reserved"]


async def test_concurrent_reservations_never_exceed_the_limit(usage: Usage) -> None:
    kept = await asyncio.gather(*(held(usage, f"batch_{i}", 7) for i in range(40)))
    assert sum(kept) == 14
    assert await figures(usage) == (98, 98)
    assert len(await usage.held()) == 14


async def test_what_is_not_used_comes_back_once(usage: Usage) -> None:
    assert await held(usage, "batch_a", 60)
    assert not await held(usage, "batch_b", 50)
    seen = await usage.total(PERIOD)
    tokens = await asyncio.gather(*(usage.use("batch_a", 10, NOW) for _ in range(5)))
    (token,) = [token for token in tokens if token]
    assert await usage.add(seen, 10 - 60, -60, 100)
    assert await usage.moved("batch_a", token)
    assert await figures(usage) == (10, 0)
    assert await usage.held() == []
    assert await held(usage, "batch_b", 90)


async def test_a_reservation_that_broke_off_is_taken_back(usage: Usage) -> None:
    assert await held(usage, "batch_a", 20)
    before = await usage.total(PERIOD)
    assert await usage.hold("batch_counted", PERIOD, 30, 1, NOW)
    assert await usage.add(before, 30, 30, 100)
    assert await usage.hold("batch_uncounted", PERIOD, 40, 1, NOW)
    assert len(await usage.abandoned(LATER)) == 2
    assert await usage.abandoned(NOW) == []
    assert await usage.recount(PERIOD, LATER)
    assert await figures(usage) == (20, 20)
    assert await usage.abandoned(LATER) == []
    assert await usage.row("batch_counted") is None


@pytest.mark.parametrize("counted", [True, False])
async def test_a_settlement_that_broke_off_is_finished(usage: Usage, *, counted: bool) -> None:
    assert await held(usage, "batch_a", 20)
    assert await held(usage, "batch_b", 30)
    seen = await usage.total(PERIOD)
    assert await usage.use("batch_b", 5, NOW)
    if counted:
        assert await usage.add(seen, 5 - 30, -30, 100)
    assert await usage.recount(PERIOD, LATER)
    assert await figures(usage) == (25, 20)
    row = await usage.row("batch_b")
    assert row is not None
    assert (row["used"], "moving" in row) == (5, False)


async def test_whoever_was_slow_adds_nothing_after_a_recount(usage: Usage) -> None:
    seen = await usage.total(PERIOD)
    token = await usage.hold("batch_slow", PERIOD, 30, 1, NOW)
    assert token
    assert await usage.recount(PERIOD, LATER)
    assert not await usage.add(seen, 30, 30, 100)
    assert not await usage.moved("batch_slow", token)
    assert await figures(usage) == (0, 0)


async def test_a_live_move_holds_a_recount_up(usage: Usage) -> None:
    assert await usage.hold("batch_live", PERIOD, 30, 1, LATER)
    assert not await usage.recount(PERIOD, LATER)
    assert await usage.row("batch_live")


async def test_a_recount_of_rows_that_changed_is_not_written(usage: Usage, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await usage.hold("batch_dead", PERIOD, 30, 1, NOW)
    take = usage._take

    async def reserve_meanwhile(row: dict[str, Any], before: int) -> str:
        assert await held(usage, "batch_meanwhile", 20)
        return await take(row, before)

    with monkeypatch.context() as patched:
        patched.setattr(usage, "_take", reserve_meanwhile)
        assert not await usage.recount(PERIOD, LATER)
    assert await figures(usage) == (20, 20)
    assert await usage.recount(PERIOD, LATER)
    assert await figures(usage) == (20, 20)


async def test_old_rows_are_forgotten_but_not_held_ones(usage: Usage) -> None:
    assert await held(usage, "batch_a", 1)
    assert await held(usage, "batch_b", 1)
    token = await usage.use("batch_b", 1, NOW)
    assert token
    assert await usage.moved("batch_b", token)
    await usage.forget(LATER)
    assert await usage.row("batch_a")
    assert await usage.row("batch_b") is None
    assert await usage.forget_unused("batch_a") is False

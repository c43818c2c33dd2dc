"""The month's renders of each account: reserved when a batch is accepted, settled when it has ended."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import structlog

from pressline.account.v1 import account_pb2
from services.common.errors import PresslineError, Reason
from services.common.failpoints import Failpoint, failpoint
from services.scheduler import clock
from services.scheduler.plans import Plans
from services.scheduler.store.accounts import UNLIMITED
from services.scheduler.store.batches import Batches
from services.scheduler.store.database import Document
from services.scheduler.store.usage import Usage

# Far longer than any live process takes from one step to the next.
ABANDONED_MS = 15_000
RECOUNTS = 3
# A month no longer changes when every batch of it has ended; its total stays.
LEDGER_KEPT_MS = 62 * clock.DAY_MS
RETRY_SECONDS = 5.0
DECEMBER = 12
log = structlog.get_logger()


class Meter:
    """Counts renders.

    Args:
        usage: the ledger.
        batches: what becomes of them decides what their renders cost.
        plans: how many renders a month allows.
    """

    def __init__(self, usage: Usage, batches: Batches, plans: Plans) -> None:
        self._usage = usage
        self._batches = batches
        self._plans = plans

    async def reserve(self, account: Document, batch_id: str, renders: int, per_item: int) -> None:
        """Hold a whole batch's renders; holding them again changes nothing.

        Raises:
            PresslineError: USAGE_LIMIT_EXCEEDED, when they do not fit into the month.
        """
        now = clock.now_ms()
        period = _period(account["_id"], now)
        limit = self._plans.limits(account["plan"]).renders_per_month
        for _ in range(RECOUNTS):
            seen = await self._usage.total(period)
            token = await self._usage.hold(batch_id, period, renders, per_item, now)
            if token is None:
                if await self._is_held(batch_id):
                    return
                continue
            failpoint(Failpoint.CREATE_HELD)
            if await self._usage.add(seen, renders, renders, limit or UNLIMITED):
                if await self._usage.moved(batch_id, token):
                    return
                break
            await self._usage.withdraw(batch_id, token)
            current = await self._usage.total(period)
            if current["recounts"] == seen["recounts"]:
                sentence = _does_not_fit(account["plan"], limit, current["total"], renders)
                raise PresslineError(Reason.USAGE_LIMIT_EXCEEDED, sentence)
        raise PresslineError(
            Reason.SERVICE_UNAVAILABLE, "The month's use is being recounted just now.", retry_after=RETRY_SECONDS
        )

    async def over(self, account: Document, renders: int) -> str:
        """Why renders would not fit into the month just now; empty when they would."""
        limit = self._plans.limits(account["plan"]).renders_per_month or UNLIMITED
        total = (await self._usage.total(_period(account["_id"], clock.now_ms())))["total"]
        return _does_not_fit(account["plan"], limit, total, renders) if total + renders > limit else ""

    async def settle(self, batch_id: str, succeeded: int) -> None:
        """Count the renders of an ended batch's succeeded items, and give the others back."""
        row = await self._usage.row(batch_id)
        if row is None or "held" not in row:
            return
        used = min(succeeded * row["per_item"], row["reserved"])
        seen = await self._usage.total(row["period"])
        token = await self._usage.use(batch_id, used, clock.now_ms())
        failpoint(Failpoint.FINISH_USE_NOTED)
        if token and await self._usage.add(seen, used - row["reserved"], -row["reserved"], UNLIMITED):
            await self._usage.moved(batch_id, token)

    async def repair(self, active: Iterable[Document]) -> None:
        """Settle what batches left that are over, and recount what a killed process left half done."""
        seen = {batch["_id"] for batch in active}
        for row in await self._usage.held():
            if row["_id"] not in seen:
                await self._settle_if_over(row["_id"])
        before = clock.now_ms() - ABANDONED_MS
        for period in {row["period"] for row in await self._usage.abandoned(before)}:
            if await self._usage.recount(period, before):
                log.info("usage.recounted", period=period)

    async def month(self, account_id: str) -> account_pb2.MonthlyUse:
        """This month's renders."""
        now = clock.now_ms()
        total = await self._usage.total(_period(account_id, now))
        return account_pb2.MonthlyUse(
            month=month_of(now),
            used=total["total"] - total["reserved"],
            reserved=total["reserved"],
            reset_time=clock.timestamp(next_month_ms(now)),
        )

    async def _is_held(self, batch_id: str) -> bool:
        """Whether an earlier try of the same call holds the renders; what it gave back is forgotten."""
        row = await self._usage.row(batch_id)
        if row is not None and "held" in row and "moving" not in row:
            return True
        await self._usage.forget_unused(batch_id)
        return False

    async def _settle_if_over(self, batch_id: str) -> None:
        batch = await self._batches.get(batch_id)
        if batch is None:
            await self.settle(batch_id, 0)
        elif "counts" in batch:
            await self.settle(batch_id, batch["counts"]["succeeded"])


def month_of(now: int) -> str:
    """The calendar month (UTC) of a time, e.g. `2026-11`."""
    return _utc(now).strftime("%Y-%m")


def next_month_ms(now: int) -> int:
    """When the calendar month (UTC) after that of a time begins."""
    then = _utc(now)
    year, month = (then.year + 1, 1) if then.month == DECEMBER else (then.year, then.month + 1)
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * 1000


def _utc(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _period(account_id: str, now: int) -> str:
    return f"{account_id}:{month_of(now)}"


def _does_not_fit(plan: str, limit: int, used: int, wanted: int) -> str:
    return f"The {plan} plan allows {limit} renders a month; {used} are used or reserved and this needs {wanted} more."

"""What an account may have unfinished at once, and all accounts together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.common.errors import PresslineError, Reason
from services.scheduler import model
from services.scheduler.backlog import Backlog
from services.scheduler.plans import Plans
from services.scheduler.store.batches import Batches
from services.scheduler.store.database import Document
from services.scheduler.turns import left

# Single renders take no place among batches, so this alone bounds those that nobody waits for any more.
UNFINISHED_SINGLES = 1_000
# When to try again where nothing was measured lately, and the bounds of what is answered where it was.
UNMEASURED_SECONDS = 30.0
LEAST_SECONDS, MOST_SECONDS = 2.0, 3_600.0


@dataclass(frozen=True)
class Bounds:
    """How much may be unfinished.

    Attributes:
        waiting_batches: batches of one account that wait for a place.
        account_items: items of one account.
        items: items of all accounts.
    """

    waiting_batches: int
    account_items: int
    items: int


@dataclass(frozen=True, eq=False)
class _Arrival:
    """A batch that is being accepted."""

    batch_id: str
    account: Document
    items: int
    single: bool

    @property
    def account_id(self) -> str:
        return str(self.account["_id"])


class Admission:
    """Refuses what is too much.

    Nothing gets past the bounds in one process. Of others it sees the batches once they are stored, and the items at
    the next look at the active batches, within a second: several may exceed a bound by what they accept meanwhile.

    Args:
        batches: the store.
        plans: what accounts may submit.
        backlog: what is unfinished.
        bounds: how much may be.
    """

    def __init__(self, batches: Batches, plans: Plans, backlog: Backlog, bounds: Bounds) -> None:
        self._batches = batches
        self._plans = plans
        self._backlog = backlog
        self._bounds = bounds
        self._arriving: list[_Arrival] = []

    @asynccontextmanager
    async def of(self, account: Document, batch_id: str, items: int, *, single: bool) -> AsyncIterator[None]:
        """Hold room for a batch while it is being accepted; one that was accepted already needs none.

        Raises:
            PresslineError: PLAN_LIMIT_EXCEEDED; RATE_LIMITED when its account, SERVICE_UNAVAILABLE when all accounts
                together have too much unfinished, with the time until that may have changed.
        """
        if over := over_plan(self._plans, account, items):
            raise PresslineError(Reason.PLAN_LIMIT_EXCEEDED, over)
        arrival, earlier = _Arrival(batch_id, account, items, single), tuple(self._arriving)
        self._arriving.append(arrival)
        try:
            refusal = self._too_many_items(arrival, earlier) or await self._too_many_batches(arrival, earlier)
            # An earlier try of the same call may have stored it, and been killed before it could say so.
            if refusal is not None and not await self._batches.is_committed(batch_id):
                raise refusal
            yield
        finally:
            self._arriving.remove(arrival)

    def _too_many_items(self, new: _Arrival, earlier: tuple[_Arrival, ...]) -> PresslineError | None:
        turns, bounds = self._backlog.turns, self._bounds
        # What is stored meanwhile is counted once.
        unseen = [each for each in earlier if each.batch_id not in turns]
        mine = turns.items_of(new.account_id) + sum(each.items for each in unseen if each.account_id == new.account_id)
        everyone = turns.items + sum(each.items for each in unseen)
        # One that finds nothing before it is accepted whatever its size: waiting would not make it smaller.
        if mine and mine + new.items > bounds.account_items:
            message = f"Items of this account that are unfinished: {mine} of at most {bounds.account_items}."
            beyond = (mine + new.items - bounds.account_items) * max(turns.accounts, 1)
            return PresslineError(Reason.RATE_LIMITED, message, retry_after=self._seconds(beyond))
        if everyone and everyone + new.items > bounds.items:
            message = "As many items are unfinished as this service takes; nothing was accepted."
            beyond = everyone + new.items - bounds.items
            return PresslineError(Reason.SERVICE_UNAVAILABLE, message, retry_after=self._seconds(beyond))
        return None

    async def _too_many_batches(self, new: _Arrival, earlier: tuple[_Arrival, ...]) -> PresslineError | None:
        states = (model.PENDING, model.PROCESSING) if new.single else (model.PENDING,)
        most = UNFINISHED_SINGLES if new.single else self._bounds.waiting_batches
        found = await self._batches.unfinished(new.account_id, states, most, single=new.single)
        if new.single or self._plans.limits(new.account["plan"]).concurrent_batches:
            # What is stored meanwhile is counted once.
            found |= {
                each.batch_id for each in earlier if (each.account_id, each.single) == (new.account_id, new.single)
            }
        if len(found) < most:
            return None
        what = "single renders of this account are unfinished" if new.single else "batches of this account are waiting"
        seconds = self._seconds(1) if new.single else self._until_a_place_is_free(new.account_id)
        return PresslineError(Reason.RATE_LIMITED, f"{most} {what} already.", retry_after=seconds)

    def _until_a_place_is_free(self, account_id: str) -> float:
        turns = self._backlog.turns
        running = [each for each in turns.of_account(account_id) if each["state"] == model.PROCESSING]
        return self._seconds(min((left(each) + turns.before_end_of(each) for each in running), default=0))

    def _seconds(self, items: int) -> float:
        """How long until so many items have ended, as an answer to who has to wait."""
        seconds = self._backlog.seconds(items)
        return UNMEASURED_SECONDS if seconds is None else min(max(seconds, LEAST_SECONDS), MOST_SECONDS)


def over_plan(plans: Plans, account: Document, count: int) -> str | None:
    """Why an account may not submit so many items at once; None when it may."""
    allowed = plans.limits(account["plan"]).items_per_batch
    if count <= allowed:
        return None
    return f"The {account['plan']} plan allows {allowed} items in a batch; this one has {count}."

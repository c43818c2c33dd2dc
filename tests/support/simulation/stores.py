"""The stores of a simulated scheduler: the reference alone, or a database that is held to it call by call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any

from services.scheduler.stores import Stores
from tests.support.simulation.reference import Document, ReferenceBatches, ReferenceItems
from tests.support.simulation.turns import Gated

GATED = ("items", "batches", "accounts", "events")
# What follows from the calls alone; the rest is as it was stored.
_COMPARED = (
    *("_id", "state", "attempt", "token", "worker", "lease_ms", "dispatch_n", "dispatched_ms", "crashes", "open"),
    *("slots", "in_flight", "next_index", "active", "creating", "cancel_requested_ms", "outbox", "event_id", "counts"),
    *("started_ms", "ended_ms", "passed_over"),
)


class ReferencePlaces:
    """Accounts with their running batches."""

    def __init__(self) -> None:
        self.accounts: dict[str, Document] = {}

    async def ensure(self, account_id: str, plan: str, _webhook_secret: bytes, _now: int) -> None:
        self.accounts[account_id] = {"_id": account_id, "plan": plan, "running": [], "running_count": 0}

    async def get(self, account_id: str) -> Document:
        return {**self.accounts[account_id], "running": list(self.accounts[account_id]["running"])}

    async def with_running(self) -> list[Document]:
        return [await self.get(each) for each, account in self.accounts.items() if account["running"]]

    async def take_place(self, account_id: str, batch_id: str, limit: int) -> bool:
        account = self.accounts[account_id]
        if batch_id in account["running"] or (limit and len(account["running"]) >= limit):
            return False
        account["running"].append(batch_id)
        account["running_count"] += 1
        return True

    async def leave_place(self, account_id: str, batch_id: str) -> None:
        account = self.accounts[account_id]
        if batch_id in account["running"]:
            account["running"].remove(batch_id)
            account["running_count"] -= 1

    async def forget_windows(self, _before_minute: int) -> None:
        return None


class ReferenceFeed:
    """Ids of events by account."""

    def __init__(self) -> None:
        self.event_ids: dict[str, list[str]] = {}

    async def append(self, account_id: str, event_id: str, _content: Document) -> int:
        mine = self.event_ids.setdefault(account_id, [])
        if event_id not in mine:
            mine.append(event_id)
        return mine.index(event_id) + 1

    async def forget(self, _before_ms: int, _limit: int) -> None:
        return None


class Empty:
    """A store of which nothing is asked that matters here: whatever it is, it finds nothing."""

    def __getattr__(self, _name: str) -> Any:
        async def nothing(*_args: Any, **_kwargs: Any) -> list[Document]:
            return []

        return nothing


class Twin:
    """A store and its reference, which must answer alike."""

    def __init__(self, real: Any, reference: Any) -> None:
        self._real = real
        self._reference = reference

    def __getattr__(self, name: str) -> Any:
        on_real = getattr(self._real, name)
        on_reference = getattr(self._reference, name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            answer = await on_real(*args, **kwargs)
            expected = await on_reference(*args, **kwargs)
            assert comparable(answer) == comparable(expected), (name, args, kwargs)
            return answer

        return call


@dataclass
class Reference:
    """Everything that is kept in memory."""

    items: ReferenceItems = field(default_factory=ReferenceItems)
    batches: ReferenceBatches = field(default_factory=ReferenceBatches)
    accounts: ReferencePlaces = field(default_factory=ReferencePlaces)
    events: ReferenceFeed = field(default_factory=ReferenceFeed)


def simulated(reference: Reference, real: Stores | None) -> Stores:
    """Stores whose calls are made one at a time: of the reference alone, or of a database beside it."""
    if real is None:
        kept = {each.name: getattr(reference, each.name, Empty()) for each in fields(Stores)}
    else:
        kept = {each.name: getattr(real, each.name) for each in fields(Stores)}
        kept["items"] = Twin(real.items, reference.items)
        kept["batches"] = Twin(real.batches, reference.batches)
    gated: dict[str, Any] = {name: Gated(store) if name in GATED else store for name, store in kept.items()}
    return Stores(**gated)


def comparable(answer: Any) -> Any:
    """What of an answer must be the same wherever it comes from."""
    if isinstance(answer, dict):
        whole = "_id" in answer
        return {name: value for name, value in answer.items() if not whole or name in _COMPARED}
    if isinstance(answer, Iterable) and not isinstance(answer, str | bytes):
        return [comparable(each) for each in answer]
    return answer

"""Whose turn it is: accounts that had theirs longest ago, and within an account batches likewise. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from services.scheduler.store.database import Document


class Rotation:
    """Remembers turns from one round to the next: a round may be over after a single item."""

    def __init__(self) -> None:
        self._turn = 0
        self._last: dict[str, int] = {}

    def of(self, ready: Iterable[Document]) -> deque[deque[Document]]:
        """Batches of one lane by account, both in the order of their turns; who never had one comes first.

        Args:
            ready: batches that have a next item, in the order of acceptance.
        """
        accounts: dict[str, list[Document]] = {}
        for batch in ready:
            accounts.setdefault(_account(batch), []).append(batch)
        ordered = sorted(accounts, key=self._had_turn)
        return deque(deque(sorted(accounts[name], key=lambda each: self._had_turn(each["_id"]))) for name in ordered)

    def took(self, batch: Document) -> None:
        """Note that a batch, and so its account, had its turn."""
        self._turn += 1
        self._last[_account(batch)] = self._last[batch["_id"]] = self._turn

    def forget_others(self, active: Iterable[Document]) -> None:
        """Keep the turns of active batches and their accounts only."""
        known = {name for batch in active for name in (batch["_id"], _account(batch))}
        self._last = {name: turn for name, turn in self._last.items() if name in known}

    def _had_turn(self, name: str) -> int:
        return self._last.get(name, 0)


def _account(batch: Document) -> str:
    """An account in one lane: its turns in the other one are no matter here."""
    return f"{batch['lane']}:{batch['account_id']}"

"""What comes before a batch while lanes, accounts and batches take turns. Pure; an estimate that knows turns only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property

from services.scheduler import model
from services.scheduler.store.database import Document

_OTHER_LANE = {model.FAST: model.BULK, model.BULK: model.FAST}


def left(batch: Document) -> int:
    """Items of an active batch that have not ended and that anybody waits for."""
    return 0 if "cancel_requested_ms" in batch else int(batch["total"] - batch["next_index"] + batch["in_flight"])


class Turns:
    """The order of turns among active batches.

    Args:
        active: all of them, in the order of acceptance.
    """

    def __init__(self, active: Sequence[Document]) -> None:
        self.active = active
        self._of_account: dict[str, list[Document]] = defaultdict(list)
        for batch in active:
            self._of_account[batch["account_id"]].append(batch)

    def __contains__(self, batch_id: str) -> bool:
        """Whether a batch is among them."""
        return batch_id in self._ids

    @property
    def items(self) -> int:
        """Unfinished items."""
        return sum(self._account_items.values())

    @property
    def accounts(self) -> int:
        """Accounts that have unfinished items."""
        return sum(1 for items in self._account_items.values() if items)

    def of_account(self, account_id: str) -> list[Document]:
        """The active batches of an account, in the order of acceptance."""
        return self._of_account.get(account_id, [])

    def items_of(self, account_id: str) -> int:
        """Unfinished items of an account."""
        return self._account_items.get(account_id, 0)

    def before_end_of(self, batch: Document) -> int:
        """Items of other batches that come before the last of a batch's.

        Whoever takes turns with it gets as many as it takes itself, or all that it has when that is less: the batches
        of its account, then the other accounts in its lane, then the other lane. A batch that waits for a place comes
        after all that its account submitted earlier.
        """
        own, account_id, lane = left(batch), batch["account_id"], batch["lane"]
        others = [each for each in self.of_account(account_id) if each["_id"] != batch["_id"] and each["lane"] == lane]
        if _waits(batch):
            done = own + sum(left(each) for each in others if _order(each) < _order(batch))
        else:
            done = own + sum(min(left(each), own) for each in others if not _waits(each))
        accounts = self._lanes[lane]
        done += sum(min(items, done) for other, items in accounts.items() if other != account_id)
        done += min(sum(self._lanes[_OTHER_LANE[lane]].values()), done)
        return done - own

    @cached_property
    def _ids(self) -> frozenset[str]:
        return frozenset(batch["_id"] for batch in self.active)

    @cached_property
    def _account_items(self) -> Mapping[str, int]:
        return {account_id: sum(map(left, batches)) for account_id, batches in self._of_account.items()}

    @cached_property
    def _lanes(self) -> Mapping[str, Mapping[str, int]]:
        """Unfinished items by lane and account."""
        lanes: dict[str, dict[str, int]] = {model.FAST: defaultdict(int), model.BULK: defaultdict(int)}
        for account_id, batches in self._of_account.items():
            for batch in batches:
                lanes[batch["lane"]][account_id] += left(batch)
        return lanes


def _waits(batch: Document) -> bool:
    """Whether a batch waits for a place; single renders need none."""
    return batch["state"] == model.PENDING and not batch["single"]


def _order(batch: Document) -> tuple[int, str]:
    return batch["created_ms"], batch["_id"]

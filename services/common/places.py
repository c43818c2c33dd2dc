"""A bound on what lasts long and is held by accounts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from services.common.errors import PresslineError, Reason

RETRY_SECONDS = 2.0


class Places:
    """Places of one process, of which an account holds only a part.

    Args:
        limit: all places.
        per_account: the most that one account holds.
        things: what they are for, as refusals call it.
    """

    def __init__(self, limit: int, per_account: int, things: str) -> None:
        self._free = limit
        self._per_account = per_account
        self._things = things
        self._held: Counter[str] = Counter()

    @contextmanager
    def held(self, account_id: str) -> Iterator[None]:
        """Hold a place.

        Raises:
            PresslineError: RATE_LIMITED when the account holds all that it may, SERVICE_UNAVAILABLE when none is free.
        """
        if self._held.get(account_id, 0) >= self._per_account:
            message = f"This account holds {self._per_account} {self._things} here, which is the most; end one first."
            raise PresslineError(Reason.RATE_LIMITED, message, retry_after=RETRY_SECONDS)
        if not self._free:
            message = f"There are as many {self._things} here as there may be."
            raise PresslineError(Reason.SERVICE_UNAVAILABLE, message, retry_after=RETRY_SECONDS)
        self._free -= 1
        self._held[account_id] += 1
        try:
            yield
        finally:
            self._free += 1
            self._held[account_id] -= 1
            if not self._held[account_id]:
                del self._held[account_id]

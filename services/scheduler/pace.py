"""How far ahead of the renderers items are dispatched: about two seconds of what they have been doing. Pure."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

WINDOW_SECONDS = 10.0
AHEAD_SECONDS = 2.0
LEAST_AHEAD = 16
MOST_AHEAD = 1_000


class Pace:
    """Measures how many items end a second.

    Args:
        clock: seconds, never going back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ended: deque[float] = deque(maxlen=100_000)

    def ended(self) -> None:
        """Note that an item ended."""
        self._ended.append(self._clock())

    @property
    def per_second(self) -> float:
        """Items ended a second, over the last ten."""
        oldest = self._clock() - WINDOW_SECONDS
        while self._ended and self._ended[0] < oldest:
            self._ended.popleft()
        return len(self._ended) / WINDOW_SECONDS

    @property
    def ahead(self) -> int:
        """How many items wait for the renderers at most."""
        return min(max(round(self.per_second * AHEAD_SECONDS), LEAST_AHEAD), MOST_AHEAD)

    def room(self, waiting: int) -> int:
        """How many more items may be dispatched while so many wait."""
        return max(self.ahead - waiting, 0)

    def is_enough(self, waiting: int) -> bool:
        """Whether renderers find something to do for a while when so many wait."""
        return waiting > self.ahead / 2

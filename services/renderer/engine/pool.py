"""The browsers of a renderer and who may use which.

An account's pages share no context with another's. A browser that ran scripts serves no other account afterwards,
and while one runs scripts no other account is in it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from services.renderer.engine.browser import Browser
from services.renderer.engine.clearing import clear
from services.renderer.engine.tab import Tab


class Seat:
    """The place of one browser in the pool, and what is known about it."""

    def __init__(self, pages: int) -> None:
        self.pages = pages
        self.browser: Browser | None = None
        self.warm: list[tuple[str, Tab]] = []
        self.users: Counter[str] = Counter()
        self.served = 0
        self.scripted_for: str | None = None
        self.stale = False
        self.starting = asyncio.Lock()

    @property
    def in_use(self) -> int:
        return self.users.total()

    def enter(self, account: str, *, scripted: bool, recycle_after: int) -> None:
        """Note the item before anything is awaited, so that the next one sees it."""
        if self.must_go(account, recycle_after):
            self.stale, self.served, self.scripted_for = True, 0, None
        if scripted:
            self.scripted_for = account
        self.users[account] += 1

    def leave(self, account: str) -> None:
        self.users[account] -= 1
        self.users = +self.users
        self.served += 1

    def admits(self, account: str, *, scripted: bool, recycle_after: int) -> bool:
        """Whether an item may start here now. An idle browser always may: it is replaced where it must be."""
        if not self.in_use:
            return True
        if self.in_use >= self.pages or self.must_go(account, recycle_after):
            return False
        return not scripted or set(+self.users) == {account}

    def must_go(self, account: str, recycle_after: int) -> bool:
        """Whether the browser may not serve the account's next item."""
        lost = self.browser is not None and not self.browser.alive and not self.stale
        return lost or self.served >= recycle_after or self.scripted_for not in (None, account)


class Pool:
    """A number of browsers with a number of pages each, started when they are first needed."""

    def __init__(
        self, launch: Callable[[], Awaitable[Browser]], *, browsers: int, pages: int, recycle_after: int
    ) -> None:
        self._launch = launch
        self._recycle_after = recycle_after
        self._seats = [Seat(pages) for _ in range(browsers)]
        self._changed = asyncio.Condition()

    @property
    def browsers(self) -> list[Browser]:
        """The running browsers."""
        return [seat.browser for seat in self._seats if seat.browser is not None and seat.browser.alive]

    @asynccontextmanager
    async def lease(self, account: str, *, scripted: bool) -> AsyncIterator[tuple[Browser, Tab]]:
        """A tab for one item. After a failure the tab is thrown away, and its browser if that does not let go."""
        seat = await self._take(account, scripted=scripted)
        try:
            browser = await self._browser(seat)
            tab = await self._tab(seat, browser, account, scripted=scripted)
            reusable = False
            try:
                yield browser, tab
                reusable = await clear(tab)
            finally:
                await self._put_back(seat, browser, tab, account if reusable else None)
        finally:
            await self._release(seat, account)

    async def close(self) -> None:
        """End all browsers, and clear up after those that ended by themselves."""
        await asyncio.gather(*(seat.browser.kill() for seat in self._seats if seat.browser is not None))

    async def _take(self, account: str, *, scripted: bool) -> Seat:
        async with self._changed:
            while True:
                fitting = [
                    seat
                    for seat in self._seats
                    if seat.admits(account, scripted=scripted, recycle_after=self._recycle_after)
                ]
                if fitting:
                    seat = min(fitting, key=lambda seat: (seat.must_go(account, self._recycle_after), seat.in_use))
                    seat.enter(account, scripted=scripted, recycle_after=self._recycle_after)
                    return seat
                await self._changed.wait()

    async def _release(self, seat: Seat, account: str) -> None:
        async with self._changed:
            seat.leave(account)
            self._changed.notify_all()

    async def _browser(self, seat: Seat) -> Browser:
        async with seat.starting:
            if seat.browser is not None and seat.stale:
                await seat.browser.kill()
                seat.browser = None
            if seat.browser is None:
                seat.browser = await self._launch()
                seat.warm, seat.stale = [], False
            return seat.browser

    async def _tab(self, seat: Seat, browser: Browser, account: str, *, scripted: bool) -> Tab:
        own = next((pair for pair in seat.warm if pair[0] == account and pair[1].scripts == scripted), None)
        if own is not None:
            seat.warm.remove(own)
            return own[1]
        # Twice what may be in use: accounts that take turns would otherwise close each other's tabs at every item.
        if len(seat.warm) + seat.in_use > 2 * seat.pages:
            await seat.warm.pop(0)[1].close()
        return await browser.open(scripts=scripted)

    async def _put_back(self, seat: Seat, browser: Browser, tab: Tab, keep_for: str | None) -> None:
        if keep_for is not None and browser.alive:
            seat.warm.append((keep_for, tab))
        elif browser.alive and not await tab.close():
            await browser.kill()

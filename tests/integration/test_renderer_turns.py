"""Accounts that take turns keep their pages."""

from __future__ import annotations

from services.renderer.engine.browser import Launcher
from services.renderer.engine.pool import Pool
from services.renderer.engine.processes import adopt_orphans
from services.renderer.engine.tab import Tab
from services.renderer.engine.workspace import Workspace
from tests.support.renderer import chromium


async def test_accounts_that_take_turns_keep_their_pages_and_no_more_are_open() -> None:
    adopt_orphans()
    workspace = Workspace()
    launcher = Launcher(chromium(), workspace, sandbox=True, memory_mb=2048)
    pool = Pool(launcher.launch, browsers=1, pages=1, recycle_after=1000)
    try:
        a, b = await used(pool, "a"), await used(pool, "b")
        assert a is not b
        assert [await used(pool, account) for account in "abab"] == [a, b, a, b]
        # A third one closes the page that was used longest ago.
        await used(pool, "c")
        assert await used(pool, "b") is b
        assert await used(pool, "a") is not a
    finally:
        await pool.close()
        await launcher.close()
        workspace.close()


async def used(pool: Pool, account: str) -> Tab:
    """The page that an item gets."""
    async with pool.lease(account, scripted=False) as (_, tab):
        return tab

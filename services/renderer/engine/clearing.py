"""Making a page that has run scripts as good as a new one.

A new page takes its browser a new process, and that takes longer than most documents do.
"""

from __future__ import annotations

import asyncio

from services.renderer.engine.model import BrowserLostError, PageCrashedError
from services.renderer.engine.tab import ProtocolError, Tab

# Of documents with scripts. Never resolved: the page gets an origin of its own, and its one answer from us.
ORIGIN = "https://document.invalid"
SECONDS = 3.0


async def clear(tab: Tab) -> bool:
    """End what a tab shows, and forget all that its scripts have left.

    Returns:
        False when that did not do in time, or something lives on: then the tab must not be used again. One that runs no
        scripts has nothing to forget.
    """
    if not tab.scripts:
        return True
    try:
        async with asyncio.timeout(SECONDS):
            await _leave(tab)
            await _forget(tab)
            # A window or a worker may outlive what opened it.
            return await tab.is_alone()
    except (ProtocolError, BrowserLostError, PageCrashedError, TimeoutError):
        return False


async def _leave(tab: Tab) -> None:
    await tab.run_first("")
    # A canvas remembers the scale that its process had before.
    await tab.resize_back()
    await tab.go_blank()
    await tab.requests.end()


async def _forget(tab: Tab) -> None:
    # Scripts are told how long images and fonts take, and the process keeps them. It drops them when it may keep none.
    await tab.send("Network.enable")
    await tab.send("Network.setCacheDisabled", cacheDisabled=True)
    await tab.loads.end()
    await tab.send("Storage.clearDataForOrigin", origin=ORIGIN, storageTypes="all")
    await tab.forget_cookies()
    await tab.send("Page.resetNavigationHistory")

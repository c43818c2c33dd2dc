"""Nothing moves in a file: it is the same whenever it was captured."""

from __future__ import annotations

from services.renderer.engine.documents import wait_until_settled
from services.renderer.engine.model import Document
from services.renderer.engine.tab import Tab

# Images that move are held by the browser itself: see the launcher.
_MOVES = (b"animat", b"transition", b"autofocus")


async def hold_still(tab: Tab, document: Document) -> None:
    """End what moves in a settled document."""
    if not (document.scripted or _may_move(document.lower)):
        return
    if await tab.ask("still"):
        await wait_until_settled(tab, document)


def _may_move(html: bytes) -> bool:
    # Not by a regular expression: it takes twenty times as long for a document that is mostly embedded data.
    return any(word in html for word in _MOVES)

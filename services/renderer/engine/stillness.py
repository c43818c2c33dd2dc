"""Nothing moves in a file: it is the same whenever it was captured."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from services.renderer.engine.documents import wait_until_settled
from services.renderer.engine.model import Document
from services.renderer.engine.tab import Tab

# Images that move are held by the browser itself: see the launcher.
_MOVES = re.compile(r"animat|transition|autofocus", re.IGNORECASE)
_STILL = Path(__file__).parent.parent / "web" / "still.js"


async def hold_still(tab: Tab, document: Document) -> None:
    """End what moves in a settled document."""
    if not (document.scripted or _MOVES.search(document.html)):
        return
    changed = await tab.evaluate(f"({_script()})()", context=await tab.isolated_world())
    if changed:
        await wait_until_settled(tab, scripted=document.scripted)


@cache
def _script() -> str:
    return _STILL.read_text().rstrip()

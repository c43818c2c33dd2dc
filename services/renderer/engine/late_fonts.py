"""What Chromium leaves as it was before a document's fonts came, unless it is told."""

from __future__ import annotations

import re

from services.renderer.engine.documents import wait_until_settled
from services.renderer.engine.model import Document
from services.renderer.engine.tab import Tab

# Fonts of nothing but the boxes in a page's margin are asked for while it is printed, and would come too late.
_MARGIN_BOX = re.compile(r"@(?:top|right|bottom|left)-", re.IGNORECASE)
_COMBINED = b"text-combine"


async def catch_up(tab: Tab, document: Document, *, printed: bool) -> None:
    """Have a settled document look as if its fonts had been there from the first."""
    if printed and _MARGIN_BOX.search(document.html):
        await tab.ask("load_fonts")
        await wait_until_settled(tab, document)
    if _COMBINED in document.lower:
        await tab.ask("set_anew")

"""What Chromium leaves as it was before a document's fonts came, unless it is told."""

from __future__ import annotations

import re

from services.renderer.engine.documents import wait_until_settled
from services.renderer.engine.model import Document
from services.renderer.engine.tab import Tab

# Fonts of nothing but the boxes in a page's margin are asked for while it is printed, and would come too late.
_MARGIN_BOX = re.compile(r"@(?:top|right|bottom|left)-", re.IGNORECASE)
_LOAD_ALL = """(() => {
  for (const face of Reflect.get(Document.prototype, "fonts", document)) face.load().catch(() => {});
})()"""
# Characters that are set upright together keep the place that they had in another font until they are set anew.
_COMBINED = b"text-combine"
_SET_ANEW = """(() => {
  const own = (name) => Reflect.get(Document.prototype, name, document);
  const apart = new CSSStyleSheet();
  apart.replaceSync("* { text-combine-upright: none !important }");
  const before = [...own("adoptedStyleSheets")];
  for (const sheets of [[...before, apart], before]) {
    Reflect.set(Document.prototype, "adoptedStyleSheets", sheets, document);
    own("documentElement")?.getBoundingClientRect();
  }
})()"""


async def catch_up(tab: Tab, document: Document, *, printed: bool) -> None:
    """Have a settled document look as if its fonts had been there from the first."""
    if printed and _MARGIN_BOX.search(document.html):
        await tab.evaluate(_LOAD_ALL, context=await tab.isolated_world())
        await wait_until_settled(tab, scripted=document.scripted)
    if _COMBINED in document.lower:
        await tab.evaluate(_SET_ANEW, context=await tab.isolated_world())

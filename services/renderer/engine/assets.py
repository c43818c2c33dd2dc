"""An account's fonts and images, as its documents see them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import unquote, urlsplit

from services.common.assets import HOST, address
from services.renderer.engine.model import Assets, Document, Remote
from services.renderer.engine.remote import PREFIXES, RemoteRoute, may_load
from services.renderer.engine.requests import Answer, Event
from services.renderer.engine.tab import Tab

_PREFIX = address("")
# Stands for no set.
_INCOMPLETE = "incomplete"
# Fonts are fetched across origins. Nothing may be kept: the next batch's asset of that name may be another one.
_HEADERS = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_DOCTYPE = re.compile(r"\ufeff?(?:\s++|<!--.*?-->)*+<!doctype[^>]*+>", re.IGNORECASE | re.DOTALL)


def with_fonts(document: Document, rules: str) -> Document:
    """A document with @font-face rules ahead of all else, so that its own of the same name win."""
    if not rules:
        return document
    doctype = _DOCTYPE.match(document.html)
    start = doctype.end() if doctype else 0
    return replace(document, html=f"{document.html[:start]}<style>{rules}</style>{document.html[start:]}")


@asynccontextmanager
async def served(
    tab: Tab, document: Document, assets: Assets | None, remote: Remote | None = None
) -> AsyncIterator[None]:
    """Answer the document's requests for assets and for what is elsewhere. One that can make none pays nothing."""
    tab.requests.begin_document()
    if assets is not None and not (assets.font_rules or HOST in document.html):
        assets = None
    if remote is not None and not may_load(document):
        remote = None
    routes = [*([_Route(assets)] if assets else ()), *([RemoteRoute(remote)] if remote else ())]
    if not routes:
        yield
        return
    # What comes of its requests belongs to this document alone: it is shown as a whole, and so is the next one.
    tab.shown = None
    await _begin_anew(tab, " ".join(part.id for part in (assets, remote) if part))
    await tab.loads.follow(*(PREFIXES if remote else (_PREFIX,)))
    for route in routes:
        await tab.requests.add(route)
    try:
        yield
    except BaseException:
        tab.requests.abandon()
        raise
    tab.shown = None
    if document.scripted:
        tab.requests.abandon()
        return
    if any(route.missed for route in routes):
        tab.asset_set = _INCOMPLETE
    for route in routes:
        await tab.requests.remove(route)
    await tab.loads.end()


async def _begin_anew(tab: Tab, asset_set: str) -> None:
    """A page reuses images by address, and asks no more for those that it did not get.

    So it shows another document as it is only when that has the same assets, of the same batch where they are from
    elsewhere, and none was missed.
    """
    if tab.asset_set not in {"", asset_set}:
        await tab.go_blank()
    tab.asset_set = asset_set


class _Route:
    pattern = {"urlPattern": f"{_PREFIX}*"}  # noqa: RUF012 - never changed

    def __init__(self, assets: Assets) -> None:
        self._assets = assets
        self.missed = False

    def takes(self, event: Event) -> bool:
        return event["resourceType"] != "Document" and str(event["request"]["url"]).startswith(_PREFIX)

    async def answer(self, event: Event) -> Answer | None:
        name = unquote(urlsplit(event["request"]["url"]).path.removeprefix("/"))
        content = await self._assets.read(name)
        if content is None:
            self.missed = True
            return Answer(404, _HEADERS)
        return Answer(200, {**_HEADERS, "Content-Type": content.content_type}, content.data)

"""What a document loads over http and https: answered here, so that the browser itself needs no network."""

from __future__ import annotations

import re

from services.common import assets
from services.renderer.engine.model import Document, Remote
from services.renderer.engine.requests import Answer, Event

PREFIXES = ("http://", "https://")
# Namespaces are the addresses that documents hold most, and nothing is ever loaded from them. Both begin with what a
# search finds fast: documents are large, and most of their bytes are images.
_ADDRESS = re.compile(r"//(?<=[\"'(=\s:]//)(?!www\.w3\.org/|" + re.escape(assets.HOST) + r")[\w\[]")
_ESCAPED = re.compile("https?:(?!/)")
_LINK = re.compile(r"<a\s[^<>]*\bhref\s*=\s*[\"']?")
_LONGEST_LINK, _MOST_LINKS = 500, 2_000
_OWN = re.compile(r"https?://[^/?#]*\.invalid[/:?#]", re.IGNORECASE)


def may_load(document: Document) -> bool:
    """Whether a document holds what could be an address to load from; scripts can put one together."""
    html = document.html
    if document.scripted or _ESCAPED.search(html):
        return True
    return any(
        count >= _MOST_LINKS or not _is_shown(html, found.start())
        for count, found in enumerate(_ADDRESS.finditer(html))
    )


def _is_shown(html: str, start: int) -> bool:
    """Whether an address whose `//` begins there is text, or where a link leads."""
    before = html[max(start - _LONGEST_LINK, 0) : start].lower().removesuffix("http:").removesuffix("https:")
    return before.endswith(">") or _LINK.fullmatch(before, before.rfind("<")) is not None


class RemoteRoute:
    """Answers what no other route does, except navigations.

    Attributes:
        missed: whether anything was not loaded.
    """

    pattern = {"urlPattern": "http*"}  # noqa: RUF012 - never changed

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self.missed = False

    def takes(self, event: Event) -> bool:
        url = str(event["request"]["url"])
        return event["resourceType"] != "Document" and url.startswith(PREFIXES) and not _OWN.match(url)

    async def answer(self, event: Event) -> Answer | None:
        request = event["request"]
        answer = await self._remote.answer(request["url"], request["method"], event["resourceType"])
        self.missed = self.missed or answer is None
        return answer

"""Which of a tab's requests have not arrived whole: a page tells of its images and fonts, but not of backgrounds."""

from __future__ import annotations

from services.renderer.engine.requests import Event, On, Send

# What a script fetches is its own business: it may never read what it asked for.
_DRAWN = {"Image", "Font", "Stylesheet"}


class Loads:
    """Follows the loads of one tab.

    Args:
        send: sends a command to the tab.
        on: hears of its events.
    """

    def __init__(self, send: Send, on: On) -> None:
        self._send = send
        self._on = on
        self._prefixes: tuple[str, ...] = ()
        self._heard = False
        self._open: set[str] = set()

    @property
    def finished(self) -> bool:
        """Whether all images, fonts and style sheets that were asked for are there, or have failed.

        What the page answers to a command comes after the events of all that it had asked for by then.
        """
        return not self._open

    async def follow(self, *prefixes: str) -> None:
        """Follow requests whose address begins with one of these."""
        if not self._heard:
            self._on("Network.requestWillBeSent", self._begun)
            self._on("Network.loadingFinished", self._ended)
            self._on("Network.loadingFailed", self._ended)
            self._heard = True
        self._prefixes = prefixes
        self._open.clear()
        await self._send("Network.enable", maxTotalBufferSize=0, maxResourceBufferSize=0)

    async def end(self) -> None:
        """Follow nothing."""
        await self._send("Network.disable")
        self._open.clear()

    def _begun(self, event: Event) -> None:
        if event.get("type") in _DRAWN and str(event["request"]["url"]).startswith(self._prefixes):
            self._open.add(event["requestId"])

    def _ended(self, event: Event) -> None:
        self._open.discard(event["requestId"])

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
        self._moves = 0

    @property
    def moves(self) -> int:
        """How many loads have begun or ended so far."""
        return self._moves

    def at_rest_since(self, moves: int) -> bool:
        """Whether all images, fonts and style sheets that were asked for are there or have failed, and were by then.

        What the page answers to a command comes after the events of all that it had asked for by then, but whoever
        waits for the answer may see it after events that came later: one of them may be the end of a style sheet that
        the page did not have when it answered, and its fonts are yet to be asked for.
        """
        return not self._open and self._moves == moves

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
            self._moves += 1

    def _ended(self, event: Event) -> None:
        if event["requestId"] in self._open:
            self._open.remove(event["requestId"])
            self._moves += 1

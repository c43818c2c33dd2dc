"""Requests of a tab that are answered here, so that they never come to a network."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

# Answers under way at once, each held in memory, and requests that wait for one. A document that asks for more is not
# answered any more, and so runs out of its time.
AT_ONCE, WAITING = 4, 2_000
_REDIRECTED, _REFUSED = 300, 400
Event = dict[str, Any]
Send = Callable[..., Awaitable[Event]]
On = Callable[[str, Callable[[Event], None]], None]


@dataclass(frozen=True)
class Answer:
    """What a request is answered with."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Route(Protocol):
    """Answers some of the requests."""

    pattern: dict[str, str]

    def takes(self, event: Event) -> bool:
        """Whether a request that fits the pattern is meant."""

    async def answer(self, event: Event) -> Answer | None:
        """The answer; None stands for no connection."""


class Requests:
    """Answers the requests of one tab by routes; those that fit none go their way.

    Args:
        send: sends a command to the tab.
        on: hears of its events.
    """

    def __init__(self, send: Send, on: On) -> None:
        self._send = send
        self._on = on
        self._routes: list[Route] = []
        self._heard = False
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._answering: set[asyncio.Task[None]] = set()
        # What the present document was refused by a route, which has told why: addresses, and for what.
        self.refused: dict[str, str] = {}
        # Where requests that were led elsewhere began, by which the page knows them.
        self._origins: dict[str, str] = {}

    async def add(self, route: Route) -> None:
        """Answer by a route from now on; of several that take a request the first one answers."""
        if not self._heard:
            self._on("Fetch.requestPaused", self._paused)
            self._heard = True
        self._routes.append(route)
        await self._enable()

    async def remove(self, route: Route) -> None:
        """Answer by a route no longer."""
        self._routes.remove(route)
        await self._enable()

    def begin_document(self) -> None:
        """Forget what the document before was refused."""
        self.refused.clear()
        self._origins.clear()

    def abandon(self) -> None:
        """Answer nothing any more, of a tab that is thrown away: what it still asks for would hold up others."""
        self._routes.clear()
        for task in self._answering:
            task.cancel()

    async def end(self) -> None:
        """Answer nothing any more, of a document that is gone."""
        self.abandon()
        await self._enable()

    async def _enable(self) -> None:
        if self._routes:
            await self._send("Fetch.enable", patterns=[route.pattern for route in self._routes])
        else:
            await self._send("Fetch.disable")

    def _paused(self, event: Event) -> None:
        if not self._routes or len(self._answering) >= WAITING:
            return
        task = asyncio.ensure_future(self._answer(event))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, event: Event) -> None:
        request = event["requestId"]
        route = next((route for route in self._routes if route.takes(event)), None)
        try:
            async with self._at_once:
                answer = None if route is None else await route.answer(event)
                if route is not None:
                    self._note(event, answer)
                if answer is None:
                    await self._send("Fetch.failRequest", requestId=request, errorReason="NameNotResolved")
                else:
                    await self._fulfil(request, answer)
        except Exception:
            # The request is gone with its page; whoever waits for the page learns why.
            return

    def _note(self, event: Event, answer: Answer | None) -> None:
        address, request = event["request"]["url"], event.get("networkId", "")
        if answer is None or answer.status >= _REFUSED:
            if len(self.refused) < WAITING:
                self.refused |= dict.fromkeys((address, self._origins.get(request, address)), event["resourceType"])
        elif answer.status >= _REDIRECTED and len(self._origins) < WAITING:
            self._origins.setdefault(request, address)

    async def _fulfil(self, request: str, answer: Answer) -> None:
        await self._send(
            "Fetch.fulfillRequest",
            requestId=request,
            responseCode=answer.status,
            responseHeaders=[{"name": name, "value": value} for name, value in answer.headers.items()],
            body=answer.body,
        )

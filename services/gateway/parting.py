"""Letting go of clients when the process stops: each is told with its next answer, none is cut off."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Connections that nobody uses for so long are closed unasked; a request may cross that on its way.
PARTING_SECONDS = 3.0
POLL_SECONDS = 0.05


class Parting:
    """ASGI layer that closes a connection with its next answer once the process stops.

    Args:
        app: answers requests.
        stop: set when the process stops.
    """

    def __init__(self, app: ASGIApp, stop: asyncio.Event) -> None:
        self._app = app
        self._stop = stop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""

        async def send_last(message: Message) -> None:
            if message["type"] == "http.response.start" and self._stop.is_set():
                message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
            await send(message)

        await self._app(scope, receive, send_last)


async def until_gone(connections: Collection[object]) -> None:
    """Wait until every connection has had its last answer, but no longer than `PARTING_SECONDS`."""
    with suppress(TimeoutError):
        async with asyncio.timeout(PARTING_SECONDS):
            while connections:  # noqa: ASYNC110 - the server tells nobody when one ends
                await asyncio.sleep(POLL_SECONDS)

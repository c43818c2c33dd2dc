"""Letting go of clients when the process stops: each is told with its next answer, none is cut off."""

from __future__ import annotations

import asyncio
import ctypes
import socket
import struct
from collections.abc import Collection
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Connections that nobody uses for so long are closed unasked; a request may cross that on its way.
PARTING_SECONDS = 3.0
POLL_SECONDS = 0.05
# What a handshake that has begun takes until its request is here.
DOORSTEP_SECONDS = 0.5
SO_ATTACH_FILTER = 26
# Classic BPF over a TCP header: load the flags, drop whatever asks for a connection, and take all else whole.
_STEPS = ((0x30, 0, 0, 13), (0x45, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))
_NO_NEWCOMERS = b"".join(struct.pack("HBBI", *step) for step in _STEPS)


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


async def let_go(listener: socket.socket, connections: Collection[object]) -> None:
    """Wait until clients have left, and until nobody is about to come, so that closing the listener cuts nobody off.

    Closing it resets connections that the kernel has taken and the process has not. So the kernel takes no new ones
    first: those who ask then ask again a second later, and are refused, which tells them to go elsewhere.

    Args:
        listener: a TCP socket.
        connections: the open ones, as they come and go.
    """
    await _until_gone(connections)
    with suppress(OSError):  # a kernel without such filters
        _take_no_more(listener)
    await asyncio.sleep(DOORSTEP_SECONDS)


def _take_no_more(listener: socket.socket) -> None:
    program = ctypes.create_string_buffer(_NO_NEWCOMERS, len(_NO_NEWCOMERS))
    where = struct.pack("HP", len(_STEPS), ctypes.addressof(program))
    listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, where)


async def _until_gone(connections: Collection[object]) -> None:
    """Wait until every connection has had its last answer, but no longer than `PARTING_SECONDS`."""
    with suppress(TimeoutError):
        async with asyncio.timeout(PARTING_SECONDS):
            while connections:  # noqa: ASYNC110 - the server tells nobody when one ends
                await asyncio.sleep(POLL_SECONDS)

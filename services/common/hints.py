"""Hints over plain NATS. Nothing is stored: one may be lost, so whoever waits for it also looks now and then."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

PREFIX = "pressline.hints."
_LAST = b"last"
log = structlog.get_logger()


class Hints:
    """Tells every process that listens that something has changed."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def give(self, name: str, *, last: bool = False) -> None:
        """Tell those who listen to a name; without a server nobody hears it. After the last one nothing changes."""
        if not self._client.is_connected:
            return
        try:
            await self._client.publish(PREFIX + name, _LAST if last else b"")
        except (NatsError, OSError) as error:
            log.debug("hint.lost", name=name, error=repr(error))

    @asynccontextmanager
    async def heard(self, name: str, heed: Callable[[bool], None]) -> AsyncIterator[None]:
        """Call `heed` at every hint of this name, and tell it whether it is the last, until the end of the block.

        Raises:
            NatsError: the connection is closed for good.
        """

        async def on_message(message: Msg) -> None:
            heed(message.data == _LAST)

        subscription = await self._client.subscribe(PREFIX + name, cb=on_message)
        try:
            yield
        finally:
            try:
                await subscription.unsubscribe()
            except NatsError as error:
                log.debug("hint.not_unsubscribed", name=name, error=repr(error))

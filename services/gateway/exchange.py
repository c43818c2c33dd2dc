"""One request and its answer on the wire: what every answer carries, and bodies that nobody read."""

from __future__ import annotations

import asyncio
import time

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Receive, Scope, Send

from services.common import ids
from services.common.errors import PresslineError, Reason
from services.gateway.auth import Caller, rate_headers

# A sender that stops in the middle of a body holds memory for this long at most.
BODY_STALL_SECONDS = 30.0
# Closing on a sender that is still at it would reset the connection and lose the answer.
DISCARD_SECONDS = 10.0
# What logs of other servers call an answer that its caller did not wait for.
CLIENT_GONE = 499
log = structlog.get_logger()


class Exchange:
    """Wraps the two ends of an ASGI request.

    Attributes:
        request_id: random, sent as X-Request-Id and repeated in refusals and logs.
        caller: set once the key is recognised; from then on answers tell where its window stands.
        status: of the answer; CLIENT_GONE until one was begun.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.request_id = ids.new("req")
        self.caller: Caller | None = None
        self.status = CLIENT_GONE
        self.headers = Headers(scope=scope)
        self._scope, self._receive, self._send = scope, receive, send
        self._started = time.monotonic()
        sent = "transfer-encoding" in self.headers or self.headers.get("content-length", "0") != "0"
        # Who expects 100-continue sends nothing until the body is asked for.
        self._received = False
        self._unread = sent and "expect" not in self.headers

    async def receive(self) -> Message:
        """The next part of the body; after the last one, the caller's leaving.

        Raises:
            PresslineError: VALIDATION_ERROR when the next part does not come.
        """
        if self._received:
            return await self._receive()
        try:
            async with asyncio.timeout(BODY_STALL_SECONDS):
                message = await self._receive()
        except TimeoutError:
            sentence = f"No part of the body arrived for {BODY_STALL_SECONDS:.0f} s."
            raise PresslineError(Reason.VALIDATION_ERROR, sentence) from None
        self._unread = bool(message.get("more_body"))
        self._received = not self._unread
        return message

    async def send(self, message: Message) -> None:
        """A part of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self.request_id
            if self.caller is not None:
                headers.update(rate_headers(self.caller.window))
        elif self._unread and not message.get("more_body"):
            await self._send({**message, "more_body": True})
            await self._discard()
            message = {"type": "http.response.body"}
        await self._send(message)

    def log(self) -> None:
        """Write the request's line."""
        log.info(
            "request",
            request_id=self.request_id,
            client=self._scope["client"][0],
            scheme=self._scope["scheme"],
            host=self.headers.get("host"),
            method=self._scope["method"],
            path=self._scope["path"],
            status=self.status,
            account=self.caller.account_id if self.caller else None,
            duration_ms=round((time.monotonic() - self._started) * 1000, 1),
        )

    async def _discard(self) -> None:
        try:
            async with asyncio.timeout(DISCARD_SECONDS):
                while self._unread:
                    self._unread = bool((await self._receive()).get("more_body"))
        except TimeoutError:
            self._unread = False

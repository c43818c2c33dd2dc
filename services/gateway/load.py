"""Bounds on what one gateway holds at once, so that it refuses work instead of dying of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.datastructures import Headers

from services.common.errors import PresslineError, Reason

MAX_REQUESTS = 1000
RETRY_SECONDS = 1.0


class Load:
    """Counts requests in flight and the bytes of their bodies.

    Args:
        max_body: the largest body, which one of unknown length is taken to have.
        max_bytes: the most that all bodies together may take.
        max_requests: the most requests at once.
    """

    def __init__(self, max_body: int, max_bytes: int, max_requests: int = MAX_REQUESTS) -> None:
        self._max_body = max_body
        self._max_bytes = max_bytes
        self._max_requests = max_requests
        self._bytes = 0
        self._requests = 0

    @contextmanager
    def request(self, headers: Headers) -> Iterator[None]:
        """Hold a place for one request.

        Raises:
            PresslineError: PAYLOAD_TOO_LARGE for a body that announces more than is allowed,
                SERVICE_UNAVAILABLE when there is no room just now.
        """
        size = self._expected(headers)
        full = self._requests >= self._max_requests or (self._bytes and self._bytes + size > self._max_bytes)
        if full:
            message = "The gateway is busy with other requests."
            raise PresslineError(Reason.SERVICE_UNAVAILABLE, message, retry_after=RETRY_SECONDS)
        self._requests += 1
        self._bytes += size
        try:
            yield
        finally:
            self._requests -= 1
            self._bytes -= size

    def _expected(self, headers: Headers) -> int:
        if "transfer-encoding" in headers:
            return self._max_body
        length = headers.get("content-length", "0")
        size = int(length) if length.isascii() and length.isdecimal() else 0
        if size > self._max_body:
            raise too_large(self._max_body)
        return size


def too_large(limit: int) -> PresslineError:
    """The answer to a body beyond the limit."""
    return PresslineError(Reason.PAYLOAD_TOO_LARGE, f"The body is larger than {limit} bytes.")

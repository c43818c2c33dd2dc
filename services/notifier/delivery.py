"""One POST to a receiver that nobody vouches for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from importlib.metadata import version

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from services.common import pinning
from services.common.addresses import AllowList
from services.common.pinning import AddressNotAllowedError

SEND_SECONDS = 15.0
_HEADERS = {"content-type": "application/json", "user-agent": f"Pressline/{version('pressline')}"}


@dataclass(frozen=True)
class Answer:
    """What came of a POST.

    Attributes:
        status: the HTTP status; 0 when there was none.
        error: why there was none, in a few fixed words; never the receiver's.
        retry_after: the receiver's Retry-After header.
    """

    status: int = 0
    error: str = ""
    retry_after: str | None = None


# The first that fits an error, or the system's error inside it, names it.
_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (TimeoutError, "timeout"),
    (aiohttp.ClientConnectorDNSError, "name not resolved"),
    (aiohttp.ClientSSLError, "tls error"),
    (AddressNotAllowedError, "address not allowed"),
    (ConnectionRefusedError, "connection refused"),
    (aiohttp.ClientConnectorError, "connection failed"),
    (aiohttp.ClientResponseError, "invalid response"),
    (aiohttp.NonHttpUrlClientError, "invalid url"),
    (ValueError, "invalid url"),
)
_LOST = "connection lost"


class Sender:
    """Sends signed bodies.

    Args:
        allow: receivers that may be reached although they are not public.
        resolver: turns names into numeric addresses; closed by its owner.
        send_seconds: the longest that one POST may take, from the name lookup to the status.
    """

    def __init__(self, allow: AllowList, resolver: AbstractResolver, send_seconds: float = SEND_SECONDS) -> None:
        self._allow = allow
        self._resolver = resolver
        self._send_seconds = send_seconds

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> Answer:
        """POST a body. Every failure to get a status is an Answer too."""
        try:
            async with asyncio.timeout(self._send_seconds):
                return await self._post(URL(url), headers, body)
        except (TimeoutError, OSError, ValueError, aiohttp.ClientError) as error:
            return Answer(error=_words(error))

    async def _post(self, url: URL, headers: dict[str, str], body: bytes) -> Answer:
        # The response's body is not read.
        async with (
            pinning.session(url.host or "", self._allow.permits, self._resolver) as session,
            session.post(url, data=body, headers=_HEADERS | headers, allow_redirects=False) as response,
        ):
            response.close()
            return Answer(response.status, retry_after=response.headers.get("Retry-After"))


def _words(error: Exception) -> str:
    cause = getattr(error, "os_error", None)
    return next((words for kind, words in _WORDS if isinstance(error, kind) or isinstance(cause, kind)), _LOST)

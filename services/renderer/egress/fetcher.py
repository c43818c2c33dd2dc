"""One GET to a host that nobody vouches for."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from importlib.metadata import version
from urllib.parse import quote, urljoin

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from services.common import pinning
from services.renderer.egress import body
from services.renderer.egress.addresses import NOT_VALID, judged
from services.renderer.egress.policy import Policy
from services.renderer.egress.resource import REDIRECTS, NotLoadedError, Resource

IDLE_SECONDS = 5.0
# All that a server learns. It names a browser because font services choose the form of a font by that.
_HEADERS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 "
    f"Safari/537.36 Pressline/{version('pressline')}",
    "Accept": "*/*",
    "Accept-Encoding": "gzip",
}
_PRINTABLE = re.compile(r"[ -~]{0,200}")
_RESERVED = "!#$%&'()*+,/:;=?@[]~"
_OK = 200
# Whether a name exists and where it leads is nobody's business who could not reach it: one sentence for both.
_NO_ADDRESS = "its host has no address that documents may load from"
# The first that fits an error, or the system's error inside it, tells why.
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientConnectorDNSError, _NO_ADDRESS),
    (pinning.AddressNotAllowedError, _NO_ADDRESS),
    (aiohttp.ClientSSLError, "no trusted TLS connection to the server could be made"),
    (aiohttp.ClientConnectorError, "the server could not be connected to"),
    (aiohttp.ClientPayloadError, "the server's answer ended early"),
    (aiohttp.ClientResponseError, "the server did not answer as HTTP demands"),
    (aiohttp.SocketTimeoutError, f"the server sent nothing for {IDLE_SECONDS:g} seconds"),
    (ValueError, NOT_VALID),
)
_LOST = "the connection to the server was lost"


@dataclass(frozen=True)
class Limits:
    """What one resource may take: unpacked bytes, seconds in all, and how many may be under way."""

    max_bytes: int
    seconds: float
    connections: int


class Fetcher:
    """Loads resources.

    Args:
        policy: what may be reached.
        resolver: turns names into numeric addresses; closed by its owner.
        limits: what a resource may take.
    """

    def __init__(self, policy: Policy, resolver: AbstractResolver, limits: Limits) -> None:
        self._policy = policy
        self._resolver = resolver
        self._limits = limits
        self._free = asyncio.Semaphore(limits.connections)

    async def fetch(self, url: str) -> Resource:
        """GET a resource, or where a redirect leads; following it is another request.

        Raises:
            NotLoadedError: it may not or cannot be loaded.
        """
        try:
            # Waiting for a place is no fault of this server's.
            async with self._free, asyncio.timeout(self._limits.seconds) as deadline:
                return await self._get(judged(url))
        except (OSError, ValueError, aiohttp.ClientError) as error:
            if deadline.expired():
                raise NotLoadedError(f"it took longer than {self._limits.seconds:g} seconds") from error
            raise NotLoadedError(_reason(error)) from error

    async def _get(self, url: URL) -> Resource:
        idle = aiohttp.ClientTimeout(total=None, sock_read=IDLE_SECONDS)
        async with (
            pinning.session(url.raw_host or "", self._policy.permits, self._resolver, idle) as session,
            session.get(url, headers=_HEADERS, allow_redirects=False) as response,
        ):
            if response.status in REDIRECTS:
                return Resource(response.status, location=_target(url, response.headers.get("Location", "")))
            if response.status != _OK:
                raise NotLoadedError(f"the server answered {response.status}")
            data = await body.read(response, self._limits.max_bytes)
            return Resource(_OK, _told(response.headers.get("Content-Type", "")), data=data)


def _target(url: URL, location: str) -> str:
    # What a server writes may be any bytes.
    target = urljoin(str(url), quote(location.encode("utf-8", "surrogateescape"), safe=_RESERVED))
    if not location or not target.startswith(("http://", "https://")):
        raise NotLoadedError("the server redirects to what is neither http nor https")
    return str(judged(target))


def _told(content_type: str) -> str:
    return content_type if _PRINTABLE.fullmatch(content_type) else ""


def _reason(error: Exception) -> str:
    cause = getattr(error, "os_error", None)
    return next((words for kind, words in _REASONS if isinstance(error, kind) or isinstance(cause, kind)), _LOST)

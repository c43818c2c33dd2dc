"""What one item loads from elsewhere: within its limits, and told where it is not loaded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.renderer.egress.cache import Cache
from services.renderer.egress.gate import Gate
from services.renderer.egress.resource import NAMES, Kind, NotLoadedError, Resource, check_type, shortened
from services.renderer.engine.requests import Answer

MAX_WARNINGS = 20
# Documents have no origin that a server could name, and nothing was sent that is theirs alone. Nothing may be kept: the
# next batch loads anew.
_HEADERS = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}


@dataclass(frozen=True)
class ItemLimits:
    """What one item may load: addresses, bytes altogether, and seconds in which any of them is waited for."""

    addresses: int
    max_bytes: int
    seconds: float


class ItemResources:
    """The remote resources of one item.

    Attributes:
        id: stands for the same bytes under the same addresses.
        warnings: what was not loaded, and why; sentences in alphabetical order.
    """

    def __init__(self, batch_id: str, cache: Cache, limits: ItemLimits, gate: Gate) -> None:
        self.id = batch_id
        self._cache = cache
        self._gate = gate
        self._limits = limits
        # By address: a layout that shows what another one did is not charged for it again.
        self._sizes: dict[str, int] = {}
        self._patience = _Patience(limits.seconds)
        self._warnings: set[str] = set()

    @property
    def warnings(self) -> list[str]:
        return sorted(self._warnings)

    async def answer(self, url: str, method: str, kind: str) -> Answer | None:
        """The answer to a request of the document.

        Args:
            url: http or https.
            method: only GET is answered.
            kind: what Chromium wants it for.

        Returns:
            The resource, or a redirect to follow with another request; None when it is not loaded.
        """
        try:
            wanted = _wanted(method, kind)
            found = await self._load(url)
            return _redirect(found) if found.redirects else self._whole(url, found, wanted)
        except NotLoadedError as error:
            self._warn(f"The {_name(kind)} {shortened(url)} was not loaded: {error}.")
            return None

    async def _load(self, url: str) -> Resource:
        self._gate.check(url)
        if url not in self._sizes and len(self._sizes) >= self._limits.addresses:
            raise NotLoadedError(f"an item may load {self._limits.addresses:,} resources")
        self._sizes.setdefault(url, 0)
        try:
            async with self._patience.spent():
                return await self._cache.get(self.id, url)
        except TimeoutError as error:
            raise NotLoadedError(
                f"the item's resources took longer than {self._limits.seconds:g} seconds together"
            ) from error

    def _whole(self, url: str, found: Resource, wanted: Kind) -> Answer:
        check_type(wanted, found.content_type)
        self._sizes[url] = len(found.data)
        if sum(self._sizes.values()) > self._limits.max_bytes:
            self._sizes[url] = 0
            raise NotLoadedError(f"an item's resources may have {self._limits.max_bytes:,} bytes together")
        headers = {"Content-Type": found.content_type} if found.content_type else {}
        return Answer(found.status, _HEADERS | headers, found.data)

    def _warn(self, sentence: str) -> None:
        if len(self._warnings) < MAX_WARNINGS:
            self._warnings.add(sentence)


class _Patience:
    """Seconds that are left to wait for any number of things at once. What is there already takes none."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._waiting = 0
        self._since = 0.0

    @asynccontextmanager
    async def spent(self) -> AsyncIterator[None]:
        """Wait for something; TimeoutError when nothing is left."""
        clock = asyncio.get_running_loop().time
        if not self._waiting:
            self._since = clock()
        self._waiting += 1
        try:
            async with asyncio.timeout_at(self._since + self._left):
                yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._left -= clock() - self._since


def _wanted(method: str, kind: str) -> Kind:
    if method != "GET":
        raise NotLoadedError(f"documents cannot send {method} requests")
    if kind not in set(Kind):
        raise NotLoadedError("only images, fonts, style sheets, scripts and what scripts fetch are loaded")
    return Kind(kind)


def _name(kind: str) -> str:
    return NAMES[Kind(kind)] if kind in set(Kind) else "resource"


def _redirect(found: Resource) -> Answer:
    return Answer(found.status, _HEADERS | {"Location": found.location})

"""What batches loaded, kept so that each resource is loaded once for all items of a batch."""

from __future__ import annotations

import time
from dataclasses import dataclass

import structlog

from services.renderer.egress.fetcher import Fetcher
from services.renderer.egress.resource import NotLoadedError, Resource, shortened
from services.renderer.kept import Kept

# A server that was away for a moment does not spoil a long batch; one that does not answer does not hold up each item.
FAILURE_SECONDS = 30.0
_OVERHEAD_BYTES = 1_000
log = structlog.get_logger()
# A batch belongs to one account, so nothing is shared by two.
_Key = tuple[str, str]


@dataclass(frozen=True)
class _Failure:
    reason: str
    until: float


class Cache:
    """Loads resources for batches.

    Args:
        fetcher: loads.
        max_bytes: what is kept altogether.
        failure_seconds: how long a failure stands.
    """

    def __init__(self, fetcher: Fetcher, max_bytes: int, failure_seconds: float = FAILURE_SECONDS) -> None:
        self._fetcher = fetcher
        self._failure_seconds = failure_seconds
        self._kept: Kept[_Key, Resource | _Failure] = Kept(self._load, _size, max_bytes)

    async def get(self, batch_id: str, url: str) -> Resource:
        """A resource; callers that want the same one at once share one request.

        Raises:
            NotLoadedError: it could not be loaded, now or a moment ago.
        """
        key, began = (batch_id, url), time.monotonic()
        found = await self._kept.get(key)
        if isinstance(found, _Failure) and found.until < began:
            self._kept.forget(key)
            found = await self._kept.get(key)
        if isinstance(found, _Failure):
            raise NotLoadedError(found.reason)
        return found

    async def close(self) -> None:
        """End what is under way."""
        await self._kept.close()

    async def _load(self, key: _Key) -> Resource | _Failure:
        # Addresses may hold secrets behind the question mark.
        batch_id, url = key
        where = shortened(url.partition("?")[0])
        try:
            found = await self._fetcher.fetch(url)
        except NotLoadedError as error:
            log.info("remote.not_loaded", batch=batch_id, url=where, reason=str(error))
            return _Failure(str(error), time.monotonic() + self._failure_seconds)
        log.info("remote.loaded", batch=batch_id, url=where, status=found.status, bytes=len(found.data))
        return found


def _size(kept: Resource | _Failure) -> int:
    return _OVERHEAD_BYTES + (len(kept.data) if isinstance(kept, Resource) else 0)

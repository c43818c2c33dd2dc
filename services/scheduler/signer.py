"""Download addresses, signed when they are read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from services.common.blobs import BlobStore
from services.scheduler import clock

SHORTEST_MS = 1_000


class Signer:
    """Signs addresses that end when the batch does."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs

    def sign(self, object_key: str, created_ms: int, expires_ms: int, filename: str) -> str:
        """The address of an object, the same at every read; empty when its batch has expired."""
        if expires_ms - clock.now_ms() < SHORTEST_MS:
            return ""
        since = datetime.fromtimestamp(created_ms // 1000, UTC)
        return self._blobs.signed_url(object_key, since, timedelta(milliseconds=expires_ms - created_ms), filename)

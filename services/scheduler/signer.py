"""Download addresses, signed when they are read."""

from __future__ import annotations

from datetime import timedelta

from services.common.blobs import BlobStore
from services.scheduler import clock


class Signer:
    """Signs addresses that end when the batch does."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs

    def sign(self, object_key: str, expires_ms: int, filename: str) -> str:
        """The address of an object; empty when its batch has expired."""
        left = timedelta(milliseconds=expires_ms - clock.now_ms())
        return self._blobs.signed_url(object_key, left, filename) if left >= timedelta(seconds=1) else ""

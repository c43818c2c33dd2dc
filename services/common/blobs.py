"""Objects in S3-compatible storage.

The only user of the S3 client, which is synchronous: its calls run in a bounded pool of threads.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar
from urllib.parse import urlsplit

import urllib3
from minio import Minio
from minio.deleteobjects import DeleteObject
from minio.error import S3Error

from services.common.settings import BlobSettings

THREADS = 8
# Well under a task's lease, so that a slow store cannot outlive the claim that writes to it.
CONNECT_SECONDS = 5
READ_SECONDS = 25
# What the store lists and deletes in one call.
PAGE_OBJECTS = 1000
LONGEST_URL = timedelta(days=7)
T = TypeVar("T")


class BlobStore:
    """One bucket.

    Raises from every call: `urllib3.exceptions.HTTPError` or `minio.error.S3Error` when the store does not do it,
    both listed in `BLOB_ERRORS`.
    """

    def __init__(self, settings: BlobSettings) -> None:
        self._bucket = settings.s3_bucket
        self._client = _client(settings, settings.s3_url)
        self._public = _client(settings, settings.s3_public_url or settings.s3_url)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="blobs")

    async def ensure_bucket(self) -> None:
        """Create the bucket where it does not exist."""

        def create() -> None:
            if not self._client.bucket_exists(self._bucket):
                self._client.make_bucket(self._bucket)

        await self._run(create)

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        """Store an object, replacing any under the same key."""
        await self._run(
            lambda: self._client.put_object(self._bucket, key, io.BytesIO(data), len(data), content_type=content_type)
        )

    async def get(self, key: str, offset: int = 0, size: int = 0) -> bytes:
        """Read `size` bytes of an object, from `offset` on; fewer when it ends before, all of them for size 0."""

        def read() -> bytes:
            response = self._client.get_object(self._bucket, key, offset, size)
            try:
                return bytes(response.read())
            finally:
                response.close()
                response.release_conn()

        return await self._run(read)

    async def delete(self, keys: Iterable[str]) -> None:
        """Delete objects; those that are not there are no error."""

        def remove() -> None:
            for error in self._client.remove_objects(self._bucket, [DeleteObject(key) for key in keys]):
                raise OSError(f"object {error.name} was not deleted: {error.message}")

        await self._run(remove)

    async def delete_some(self, prefix: str) -> bool:
        """Delete up to a page of the objects whose keys begin so; false when there are none."""

        def page() -> list[str]:
            found = self._client.list_objects(self._bucket, prefix=prefix, recursive=True)
            return [str(each.object_name) for each in islice(found, PAGE_OBJECTS)]

        keys = await self._run(page)
        await self.delete(keys)
        return bool(keys)

    def signed_url(self, key: str, since: datetime, valid: timedelta, filename: str = "") -> str:
        """A download address that works without credentials. No network is used.

        Args:
            key: the object.
            since: when the address becomes valid; with the same one the same address comes out.
            valid: for how long from then, at most 7 days.
            filename: what a browser saves it as.
        """
        extra: dict[str, str | list[str] | tuple[str]] = {}
        if filename:
            extra["response-content-disposition"] = f'attachment; filename="{_header_safe(filename)}"'
        return str(
            self._public.presigned_get_object(
                self._bucket,
                key,
                expires=min(valid, LONGEST_URL),
                response_headers=extra or None,
                request_date=since,
            )
        )

    async def close(self) -> None:
        """Let running calls end and stop the pool."""
        await asyncio.to_thread(self._threads.shutdown)

    async def _run(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


BLOB_ERRORS = (S3Error, urllib3.exceptions.HTTPError, OSError)


def _client(settings: BlobSettings, url: str) -> Minio:
    parts = urlsplit(url)
    pool = urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
        maxsize=THREADS,
        retries=urllib3.Retry(total=2, backoff_factor=0.2, status_forcelist=[500, 502, 503, 504]),
    )
    return Minio(
        parts.netloc,
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key.get_secret_value(),
        secure=parts.scheme == "https",
        region=settings.s3_region,
        http_client=pool,
    )


def _header_safe(filename: str) -> str:
    return "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in filename)

"""Objects in S3-compatible storage.

The only user of the S3 client, which is synchronous: its calls run in a bounded pool of threads.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import islice
from typing import BinaryIO, TypeVar, cast
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
# Of a download that comes in parts, and of an upload, which has at most 10,000 parts.
READ_BYTES = 256 * 1024
SMALLEST_PART_BYTES = 8 * 1024 * 1024
MOST_PARTS = 9_000
# A download that breaks off so often in a row is given up.
MOST_BREAKS = 4
LONGEST_URL = timedelta(days=7)
T = TypeVar("T")


class BlobStore:
    """One bucket.

    Raises from every call: `urllib3.exceptions.HTTPError` or `minio.error.S3Error` when the store does not do it,
    both listed in `BLOB_ERRORS`.
    """

    def __init__(self, settings: BlobSettings) -> None:
        self._bucket = settings.s3_bucket
        self._connections = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
            maxsize=THREADS,
            retries=_RETRIES,
        )
        self._client = _client(settings, settings.s3_url, self._connections)
        self._public = _client(settings, settings.s3_public_url or settings.s3_url, self._connections)
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

    def read(self, key: str, size: int) -> Iterator[bytes]:
        """The first `size` bytes of an object in parts. Blocks: for callers on a thread of their own.

        A download that breaks off goes on where it was, and so does one that ends early.
        """
        offset, breaks = 0, 0
        while offset < size:
            try:
                breaks += 1
                for part in self._parts(key, offset, size - offset):
                    offset, breaks = offset + len(part), 0
                    yield part
            except urllib3.exceptions.HTTPError:
                if breaks >= MOST_BREAKS:
                    raise
            if breaks >= MOST_BREAKS:
                raise OSError(f"object {key} ends at byte {offset}, not {size}")

    def write(self, key: str, parts: Iterable[bytes], at_most: int, content_type: str) -> None:
        """Store an object that comes in parts. Blocks: for callers on a thread of their own.

        Nothing is stored when the parts break off with an error. Memory is bounded by a few parts of the upload.

        Args:
            key: the object; one under the same key is replaced.
            parts: its bytes.
            at_most: more bytes than these do not come; decides how large the upload's parts are.
            content_type: what it is served as.
        """
        part_size = max(SMALLEST_PART_BYTES, -(-at_most // MOST_PARTS))
        stream = cast("BinaryIO", _Stream(parts))
        self._client.put_object(
            self._bucket, key, stream, -1, content_type, part_size=part_size, num_parallel_uploads=1
        )

    async def abort_uploads(self, prefix: str) -> None:
        """Give up what a killed process had begun to upload in parts under keys that begin so."""

        def abort() -> None:
            # The client finds and ends such uploads for itself only.
            client = self._client
            for upload in client._list_multipart_uploads(self._bucket, prefix=prefix).uploads:  # noqa: SLF001 - see above
                key, upload_id = upload.object_name, str(upload.upload_id)
                client._abort_multipart_upload(self._bucket, key, upload_id)  # noqa: SLF001 - see above

        await self._run(abort)

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
        """Let running calls end, stop the pool and close the connections."""
        await asyncio.to_thread(self._threads.shutdown)
        self._connections.clear()

    def _parts(self, key: str, offset: int, size: int) -> Iterator[bytes]:
        response = self._client.get_object(self._bucket, key, offset, size)
        try:
            yield from response.stream(READ_BYTES)
        finally:
            response.close()
            response.release_conn()

    async def _run(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


# A store that restarts refuses connections, and then answers 500 for some seconds: 6 s in all, after 0, 0.4, 0.8, 1.6
# and 3.2 s. A store that is silent is asked twice. What is not safe to repeat, a POST, is not repeated.
_RETRIES = urllib3.Retry(
    total=5,
    read=1,
    backoff_factor=0.2,
    status_forcelist=[500, 502, 503, 504],
    # Its length would be the store's choice.
    respect_retry_after_header=False,
)
BLOB_ERRORS = (S3Error, urllib3.exceptions.HTTPError, OSError)


def is_missing(error: Exception) -> bool:
    """Whether a call failed because there is no such object."""
    return isinstance(error, S3Error) and error.code == "NoSuchKey"


class _Stream:
    """Parts as something to read from."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = iter(parts)
        self._ahead = bytearray()

    def read(self, size: int) -> bytes:
        """As many bytes as are asked for; fewer at the end."""
        while len(self._ahead) < size and (part := next(self._parts, None)) is not None:
            self._ahead += part
        taken = bytes(self._ahead[:size])
        del self._ahead[:size]
        return taken


def _client(settings: BlobSettings, url: str, connections: urllib3.PoolManager) -> Minio:
    parts = urlsplit(url)
    return Minio(
        parts.netloc,
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key.get_secret_value(),
        secure=parts.scheme == "https",
        region=settings.s3_region,
        http_client=connections,
    )


def _header_safe(filename: str) -> str:
    return "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in filename)

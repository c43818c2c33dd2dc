"""Object storage. Set PRESSLINE_S3_URL and what goes with it to hold another store to what the services ask of one.

Everything is under a prefix of the test's own in the bucket, and is deleted afterwards.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from pydantic import SecretStr

from services.common import ids
from services.common.blobs import BLOB_ERRORS, PAGE_OBJECTS, SMALLEST_PART_BYTES, BlobStore, is_missing
from services.common.settings import BlobSettings
from tests.support.servers import S3Server

HOUR = timedelta(hours=1)


@pytest.fixture
async def blobs(s3_server: S3Server) -> AsyncIterator[BlobStore]:
    opened = BlobStore(
        BlobSettings(
            s3_url=s3_server.url,
            s3_access_key=s3_server.access_key,
            s3_secret_key=SecretStr(s3_server.secret_key),
            s3_bucket=s3_server.bucket,
            s3_region=s3_server.region,
        )
    )
    for _ in range(2):
        await opened.ensure_bucket()
    yield opened
    await opened.close()


@pytest.fixture
async def prefix(blobs: BlobStore) -> AsyncIterator[str]:
    made = f"test/{ids.new('t')}/"
    yield made
    await blobs.abort_uploads(made)
    while await blobs.delete_some(made):
        pass


async def fetched(url: str) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False, timeout=60) as anonymous:
        return await anonymous.get(url)


async def test_an_object_is_stored_replaced_and_read_in_part(blobs: BlobStore, prefix: str) -> None:
    key, data = prefix + "a/1.png", os.urandom(100_000)
    for content in (b"first", data):
        await blobs.put(key, content, "image/png")
    assert await blobs.get(key) == data
    assert await blobs.get(key, offset=90_000) == data[90_000:]
    assert await blobs.get(key, offset=10, size=20) == data[10:30]
    assert await blobs.get(key, offset=99_990, size=1_000) == data[99_990:]


async def test_an_empty_object_is_one(blobs: BlobStore, prefix: str) -> None:
    await blobs.put(prefix + "empty", b"", "text/plain")
    assert await blobs.get(prefix + "empty") == b""


async def test_what_is_not_there_is_told_from_what_fails(blobs: BlobStore, prefix: str) -> None:
    with pytest.raises(BLOB_ERRORS) as missing:
        await blobs.get(prefix + "nothing")
    assert is_missing(missing.value)


async def test_objects_in_several_parts_are_whole_or_not_there(blobs: BlobStore, prefix: str) -> None:
    data = os.urandom(SMALLEST_PART_BYTES + 1_000_001)
    chunks = [data[start : start + 300_000] for start in range(0, len(data), 300_000)]
    await asyncio.to_thread(blobs.write, prefix + "large", chunks, len(data), "application/zip")
    read = await asyncio.to_thread(lambda: b"".join(blobs.read(prefix + "large", len(data))))
    assert read == data


async def test_uploads_that_were_left_are_freed_by_prefix(blobs: BlobStore, s3_server: S3Server, prefix: str) -> None:
    client, bucket = blobs._client, s3_server.bucket
    for key in ("mine/x", "other/x"):
        upload = await asyncio.to_thread(client._create_multipart_upload, bucket, prefix + key, {})
        await asyncio.to_thread(client._upload_part, bucket, prefix + key, bytes(5 << 20), None, upload, 1)
    await blobs.abort_uploads(prefix + "mine/")
    left = await asyncio.to_thread(lambda: client._list_multipart_uploads(bucket, prefix=prefix).uploads)
    assert [each.object_name for each in left] == [prefix + "other/x"]


async def test_deleting_goes_by_key_and_by_prefix_and_is_repeatable(blobs: BlobStore, prefix: str) -> None:
    for key in ("b1/x", "b1/y/z", "b10/x", "b2"):
        await blobs.put(prefix + key, b"x", "text/plain")
    for _ in range(2):
        await blobs.delete([prefix + "b2", prefix + "never"])
    # A batch's prefix ends with a slash, so that no other batch's begins with it.
    assert await blobs.delete_some(prefix + "b1/")
    assert not await blobs.delete_some(prefix + "b1/")
    assert await blobs.get(prefix + "b10/x") == b"x"
    for gone in ("b1/x", "b1/y/z", "b2"):
        with pytest.raises(BLOB_ERRORS):
            await blobs.get(prefix + gone)


async def test_more_than_a_page_is_deleted_page_by_page(blobs: BlobStore, prefix: str) -> None:
    count = PAGE_OBJECTS + 2
    for start in range(0, count, 50):
        keys = [f"{prefix}{number}" for number in range(start, min(start + 50, count))]
        await asyncio.gather(*(blobs.put(key, b"x", "text/plain") for key in keys))
    assert [await blobs.delete_some(prefix) for _ in range(3)] == [True, True, False]


async def test_signed_addresses_open_one_object_for_their_time(blobs: BlobStore, prefix: str) -> None:
    now = datetime.now(UTC)
    for name in ("mine.png", "other.png"):
        await blobs.put(prefix + name, name.encode(), "image/png")
    url = blobs.signed_url(prefix + "mine.png", now, HOUR, filename='tickets "é".png')
    assert url == blobs.signed_url(prefix + "mine.png", now, HOUR, filename='tickets "é".png')
    answer = await fetched(url)
    assert (answer.status_code, answer.content) == (200, b"mine.png")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == 'attachment; filename="tickets ___.png"'
    assert (await fetched(url.replace("mine.png", "other.png"))).status_code == 403
    assert (await fetched(blobs.signed_url(prefix + "mine.png", now - 2 * HOUR, HOUR))).status_code == 403
    assert (await fetched(url.split("?", 1)[0])).status_code == 403

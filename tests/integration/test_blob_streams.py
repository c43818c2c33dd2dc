"""Objects that are read and written in parts, on a real store."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr
from urllib3.exceptions import HTTPError

from services.common import ids
from services.common.blobs import MOST_BREAKS, SMALLEST_PART_BYTES, BlobStore, is_missing
from services.common.settings import BlobSettings
from tests.support.servers import S3Server

MIB = 1 << 20


def store(s3: S3Server, url: str = "") -> BlobStore:
    key, secret = s3.access_key, SecretStr(s3.secret_key)
    return BlobStore(BlobSettings(s3_url=url or s3.url, s3_access_key=key, s3_secret_key=secret, s3_bucket=s3.bucket))


@pytest.fixture
async def blobs(s3_server: S3Server) -> AsyncIterator[BlobStore]:
    opened = store(s3_server)
    await opened.ensure_bucket()
    yield opened
    await opened.close()


@pytest.fixture
def prefix() -> str:
    return f"streams/{ids.new('t')}/"


@asynccontextmanager
async def breaking(target: str, times: int, after: int) -> AsyncIterator[str]:
    """An address in front of a server whose first answers break off after so many bytes."""
    host, port = urlsplit(target).hostname, urlsplit(target).port
    left = times

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, limit: int | None) -> None:
        sent = 0
        while (data := await source.read(65_536)) and (limit is None or sent < limit):
            sink.write(data)
            await sink.drain()
            sent += len(data)
        sink.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal left
        limit, left = (after, left - 1) if left else (None, 0)
        far_reader, far_writer = await asyncio.open_connection(host, port)
        there = asyncio.create_task(pump(reader, far_writer, None))
        await pump(far_reader, writer, limit)
        far_writer.close()
        there.cancel()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@pytest.mark.parametrize("size", [0, 1, SMALLEST_PART_BYTES, SMALLEST_PART_BYTES + 1, 2 * SMALLEST_PART_BYTES + 17])
async def test_what_is_written_in_parts_is_read_in_parts(blobs: BlobStore, prefix: str, size: int) -> None:
    data = os.urandom(size)
    parts = [b"", *(data[start : start + 100_000] for start in range(0, size, 100_000)), b""]
    await asyncio.to_thread(blobs.write, prefix + "x", parts, size, "text/plain")
    assert await blobs.get(prefix + "x") == data
    assert await asyncio.to_thread(lambda: b"".join(blobs.read(prefix + "x", size))) == data


async def test_parts_that_break_off_store_nothing(blobs: BlobStore, prefix: str) -> None:
    def parts() -> Iterator[bytes]:
        yield bytes(SMALLEST_PART_BYTES + MIB)
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        await asyncio.to_thread(blobs.write, prefix + "x", parts(), 100 * MIB, "text/plain")
    with pytest.raises(Exception, match="NoSuchKey") as caught:
        await blobs.get(prefix + "x")
    assert is_missing(caught.value)


async def test_a_download_that_breaks_off_goes_on_where_it_was(
    blobs: BlobStore, s3_server: S3Server, prefix: str
) -> None:
    data = os.urandom(5 * MIB)
    await blobs.put(prefix + "x", data, "text/plain")
    async with breaking(s3_server.url, times=MOST_BREAKS - 1, after=MIB) as url:
        broken = store(s3_server, url)
        assert await asyncio.to_thread(lambda: b"".join(broken.read(prefix + "x", len(data)))) == data
        await broken.close()
    async with breaking(s3_server.url, times=1_000, after=1) as url:
        broken = store(s3_server, url)
        with pytest.raises(HTTPError):
            await asyncio.to_thread(lambda: b"".join(broken.read(prefix + "x", len(data))))
        await broken.close()

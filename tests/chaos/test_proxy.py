"""The proxy between services and servers: each way to be bad, as real clients see it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from minio.error import S3Error
from pymongo import AsyncMongoClient
from pymongo.errors import NotPrimaryError, PyMongoError

from services.common.blobs import BlobStore
from services.common.settings import BlobSettings
from tests.chaos.framing import S3, Framing, MongoDb, Plain
from tests.chaos.proxy import Link
from tests.support.databases import fresh_database
from tests.support.servers import S3Server, UrlServer

ANSWER_SECONDS = 30


@asynccontextmanager
async def linked(upstream: tuple[str, int], framing: Framing) -> AsyncIterator[Link]:
    link = Link("test", upstream, framing)
    await link.start()
    try:
        yield link
    finally:
        await link.close()


@asynccontextmanager
async def echoing() -> AsyncIterator[tuple[Link, asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection through a proxy to something that says again what it hears."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while heard := await reader.read(100):
                writer.write(heard)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, linked(server.sockets[0].getsockname(), Plain()) as link:
        host, port = link.address.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            yield link, reader, writer
        finally:
            writer.close()


async def said(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> float:
    """Seconds until a word comes back."""
    began = time.monotonic()
    writer.write(b"word")
    async with asyncio.timeout(ANSWER_SECONDS):
        assert await reader.readexactly(4) == b"word"
    return time.monotonic() - began


async def test_latency_is_added_each_way() -> None:
    async with echoing() as (link, reader, writer):
        await said(reader, writer)
        link.delay = 0.2
        assert await said(reader, writer) >= 0.4


async def test_what_is_sent_into_a_black_hole_comes_out_when_it_is_over() -> None:
    async with echoing() as (link, reader, writer):
        await said(reader, writer)
        link.passing.clear()
        writer.write(b"late")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(4), 0.3)
        link.passing.set()
        assert await asyncio.wait_for(reader.readexactly(4), ANSWER_SECONDS) == b"late"


async def test_connections_are_reset_and_new_ones_work() -> None:
    async with echoing() as (link, reader, writer):
        await said(reader, writer)
        link.reset()
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(4), ANSWER_SECONDS)
        host, port = link.address.split(":")
        again = await asyncio.open_connection(host, int(port))
        await said(*again)
        again[1].close()


async def test_a_database_refuses_writes_and_answers_reads(mongodb_server: UrlServer) -> None:
    parts = urlsplit(mongodb_server.url)
    assert parts.hostname
    assert parts.port
    async with fresh_database(mongodb_server) as database, linked((parts.hostname, parts.port), MongoDb()) as link:
        url = parts._replace(netloc=link.address).geturl()
        async with AsyncMongoClient[dict[str, int]](url, serverSelectionTimeoutMS=5_000) as client:
            cards = client[database._database.name]["cards"]
            await cards.insert_one({"n": 1})
            link.refusing = True
            with pytest.raises(NotPrimaryError):
                await cards.insert_one({"n": 2})
            with pytest.raises(PyMongoError):
                await cards.update_one({"n": 1}, {"$set": {"n": 3}})
            assert [card["n"] async for card in cards.find()] == [1]
            link.refusing = False
            await cards.insert_one({"n": 4})
            assert await cards.count_documents({}) == 2


async def test_a_full_object_store_refuses_what_is_new_and_gives_what_it_has(s3_server: S3Server) -> None:
    parts = urlsplit(s3_server.url)
    assert parts.hostname
    async with linked((parts.hostname, parts.port or 80), S3()) as link:
        settings = BlobSettings(
            s3_url=f"http://{link.address}",
            s3_access_key=s3_server.access_key,
            s3_secret_key=s3_server.secret_key,
            s3_bucket=s3_server.bucket,
        )
        store = BlobStore(settings)
        try:
            await store.ensure_bucket()
            await store.put("chaos/kept", b"kept", "text/plain")
            link.refusing = True
            with pytest.raises(S3Error, match="XMinioStorageFull"):
                await store.put("chaos/new", b"new", "text/plain")
            assert await store.get("chaos/kept") == b"kept"
            await store.delete(["chaos/kept"])
            link.refusing = False
            await store.put("chaos/new", b"new", "text/plain")
            await store.delete(["chaos/new"])
        finally:
            await store.close()

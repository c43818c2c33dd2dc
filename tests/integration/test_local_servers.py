"""The embedded servers hold what was acknowledged through a kill, and come back on the same ports."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeVar

import nats
import psutil
import pytest
from minio.error import S3Error
from nats.errors import Error as NatsError
from pydantic import SecretStr
from pymongo import AsyncMongoClient

from pressline_local import servers
from pressline_local.folder import DataFolder
from services.common.blobs import BlobStore
from services.common.settings import BlobSettings
from tests.support.servers import S3Server, UrlServer, kill, own_child

T = TypeVar("T")


async def test_nats_offers_jetstream(nats_server: UrlServer) -> None:
    client = await nats.connect(nats_server.url, connect_timeout=30)
    try:
        assert (await client.jetstream(timeout=30).account_info()).streams >= 0
    finally:
        await client.close()


async def test_mongodb_keeps_databases_apart(mongodb_server: UrlServer) -> None:
    async with AsyncMongoClient[dict[str, object]](mongodb_server.url, serverSelectionTimeoutMS=60_000) as client:
        await client["local_one"].things.insert_one({"_id": 1})
        assert await client["local_two"].things.find_one({"_id": 1}) is None
        assert await client["local_one"].things.find_one({"_id": 1}) == {"_id": 1}
        await client.drop_database("local_one")


async def test_object_storage_refuses_other_credentials(s3_server: S3Server) -> None:
    settings = BlobSettings(
        s3_url=s3_server.url,
        s3_access_key=s3_server.access_key,
        s3_secret_key=SecretStr("wrong"),
        s3_bucket=s3_server.bucket,
    )
    store = BlobStore(settings)
    try:
        with pytest.raises(S3Error, match="SignatureDoesNotMatch"):
            await store.put("local/denied", b"x", "text/plain")
    finally:
        await store.close()


async def test_acknowledged_documents_survive_kills(tmp_path: Path) -> None:
    async with own_child(servers.mongodb, tmp_path) as (server, child):
        url = server.settings["PRESSLINE_MONGODB_URL"]
        async with AsyncMongoClient[dict[str, object]](url, serverSelectionTimeoutMS=60_000) as client:
            for round_ in range(1, 4):
                await client.kept.things.insert_many([{"_id": f"{round_}-{number}"} for number in range(200)])
                await kill(child)
                assert await client.kept.things.count_documents({}) == 200 * round_


async def test_objects_survive_a_kill(tmp_path: Path) -> None:
    async with own_child(servers.s3, tmp_path) as (server, child):
        store = BlobStore(_blob_settings(server.settings))
        try:
            await store.put("a/b.txt", b"kept", "text/plain")
            await kill(child)
            assert await store.get("a/b.txt") == b"kept"
        finally:
            await store.close()


async def test_acknowledged_messages_survive_a_kill(tmp_path: Path) -> None:
    async with own_child(servers.nats, tmp_path) as (server, child):
        client = await nats.connect(server.settings["PRESSLINE_NATS_URL"], reconnect_time_wait=0.1, error_cb=_ignore)
        try:
            stream = client.jetstream(timeout=30)
            await stream.add_stream(name="KEPT", subjects=["kept"])
            for number in range(100):
                await stream.publish("kept", str(number).encode())
            await kill(child)
            assert (await _eventually(lambda: stream.stream_info("KEPT"))).state.messages == 100
        finally:
            await client.close()


async def test_object_storage_listens_on_the_loopback_alone(tmp_path: Path) -> None:
    async with own_child(servers.s3, tmp_path) as (_, child):
        listening = [c.laddr for c in psutil.Process(child.pid).net_connections("tcp") if c.status == "LISTEN"]
        kept = set(DataFolder(tmp_path).state()["ports"].values())
        assert {address.ip for address in listening} == {"127.0.0.1"}
        assert {address.port for address in listening} <= kept


async def _eventually(call: Callable[[], Awaitable[T]]) -> T:
    async with asyncio.timeout(60):
        while True:
            try:
                return await call()
            except NatsError:
                await asyncio.sleep(0.1)


async def _ignore(_error: Exception) -> None:
    """A lost connection is what the test is about."""


def _blob_settings(settings: Mapping[str, str]) -> BlobSettings:
    fields = {name.removeprefix("PRESSLINE_").lower(): value for name, value in settings.items()}
    return BlobSettings.model_validate(fields)

"""Readiness, asked in each server's own protocol.

A probe returns when the server serves, and raises when it does not.
"""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlsplit

import grpc
import httpx2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from pymongo import AsyncMongoClient

from services.common.blobs import BlobStore
from services.common.settings import BlobSettings

PROBE_SECONDS = 2.0
PROBE_KEY = ".pressline-ready"


class NotReadyError(Exception):
    """The server answers, but not as one that is ready."""


async def nats(url: str) -> None:
    """The greeting of a NATS server that has JetStream."""
    parts = urlsplit(url.partition(",")[0])
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 4222)
    try:
        kind, _, greeting = (await reader.readline()).partition(b" ")
    finally:
        writer.close()
    if kind != b"INFO" or not json.loads(greeting).get("jetstream"):
        raise NotReadyError("no NATS server with JetStream answers")


async def mongodb(url: str) -> None:
    """A ping that went through server selection."""
    # It gives up by itself: PyMongo leaves a socket open when it is cancelled while it connects.
    async with AsyncMongoClient[dict[str, object]](
        url, serverSelectionTimeoutMS=1000, connectTimeoutMS=500, socketTimeoutMS=500
    ) as client:
        await client.admin.command("ping")


async def s3(settings: BlobSettings) -> None:
    """The bucket, made where it is missing, takes an object and gives it back.

    Less is not enough: a restarted weed shows its buckets seconds before it can read what is in them.
    """
    store = BlobStore(settings)
    try:
        await store.ensure_bucket()
        await store.put(PROBE_KEY, b"ready", "text/plain")
        await store.get(PROBE_KEY)
        await store.delete([PROBE_KEY])
    finally:
        await store.close()


async def grpc_health(address: str) -> None:
    """SERVING by grpc.health.v1."""
    async with grpc.aio.insecure_channel(address) as channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=PROBE_SECONDS)
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        raise NotReadyError("it reports that it is not serving")


async def http_ready(url: str) -> None:
    """A GET that is answered with 200."""
    async with httpx2.AsyncClient(timeout=PROBE_SECONDS, trust_env=False) as client:
        response = await client.get(url)
    if response.status_code != 200:  # noqa: PLR2004 - the status of success
        raise NotReadyError(f"it answers {response.status_code}")

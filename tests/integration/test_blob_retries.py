"""A store that fails for a while, as one does that restarts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from pydantic import SecretStr

from services.common.blobs import BLOB_ERRORS, BlobStore
from services.common.settings import BlobSettings
from tests.support.notifier_receivers import receiving

DOWN_SECONDS = 5.0


@dataclass
class Store:
    """Answers 500 for some seconds from the first request on."""

    down_seconds: float = DOWN_SECONDS
    began: float = 0.0
    answers: list[tuple[str, int]] = field(default_factory=list)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.began = self.began or time.monotonic()
        status = 500 if time.monotonic() - self.began < self.down_seconds else 200
        self.answers.append((request.method, status))
        return web.Response(status=status, body=b"stored", headers={"ETag": "tag", "Retry-After": "3600"})


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
async def blobs(store: Store) -> AsyncIterator[BlobStore]:
    async with receiving(store) as server:
        url = f"http://127.0.0.1:{server.port}"
        blobs = BlobStore(BlobSettings(s3_url=url, s3_access_key="a", s3_secret_key=SecretStr("b")))
        yield blobs
        await blobs.close()


async def test_reading_and_storing_outlast_a_restart_of_the_store(store: Store, blobs: BlobStore) -> None:
    data, _ = await asyncio.gather(blobs.get("key"), blobs.put("key", b"stored", "text/plain"))
    assert data == b"stored"
    for method in ("GET", "PUT"):
        answers = [status for asked, status in store.answers if asked == method]
        assert answers == [500] * (len(answers) - 1) + [200]


async def test_a_store_that_stays_down_is_given_up(store: Store, blobs: BlobStore) -> None:
    store.down_seconds = 1_000_000
    with pytest.raises(BLOB_ERRORS):
        await blobs.get("key")
    assert store.answers == [("GET", 500)] * 6

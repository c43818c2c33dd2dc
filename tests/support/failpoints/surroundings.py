"""What work is done with while processes die, and a caller who asks again."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import httpx2

from services.common.blobs import BlobStore
from services.scheduler.store.database import Database
from tests.support.receiver import Receiver

ACCOUNT = "killed"
CALL_SECONDS = 30
LOOK_SECONDS = 0.4


@dataclass
class Surroundings:
    """What work is done with.

    Attributes:
        http: calls the REST API as ACCOUNT.
        files: fetches results.
        database: of the scheduler.
        blobs: the results.
        receiver: of every batch's webhook.
        webhook_secret: verifies them.
    """

    http: httpx2.AsyncClient
    files: httpx2.AsyncClient
    database: Database
    blobs: BlobStore
    receiver: Receiver
    webhook_secret: str

    async def asked(self, method: str, path: str, again: Collection[int] = (), **options: Any) -> httpx2.Response:
        """The answer to a call, which is repeated while it is refused for now or gets no answer."""
        while True:
            try:
                answer = await self.http.request(method, path, **options)
            except httpx2.TransportError:
                answer = None
            if answer is not None and answer.status_code < 500 and answer.status_code not in again:
                return answer
            await asyncio.sleep(LOOK_SECONDS)

    async def check_file(self, url: str, sha256: str) -> bytes:
        """The bytes of a result, which must be those that its record tells of."""
        data = (await self.files.get(url)).content
        assert hashlib.sha256(data).hexdigest() == sha256, url
        return data

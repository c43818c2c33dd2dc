"""Databases of tests."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.scheduler.store.database import Database
from tests.support.servers import UrlServer


@asynccontextmanager
async def fresh_database(server: UrlServer) -> AsyncIterator[Database]:
    """A database that is ready, and is gone after the block: servers keep only so many open."""
    name = f"test_{secrets.token_hex(6)}"
    opened = Database(server.url, name)
    await opened.prepare()
    try:
        yield opened
    finally:
        await opened._client.drop_database(name)
        await opened.close()

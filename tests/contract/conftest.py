"""What the tests of the stores stand on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from services.scheduler.store.database import Database
from services.scheduler.stores import Stores
from tests.support.databases import fresh_database
from tests.support.servers import UrlServer


@pytest.fixture
async def database(mongodb_server: UrlServer) -> AsyncIterator[Database]:
    """A database of the test's own."""
    async with fresh_database(mongodb_server) as opened:
        # Preparing again changes nothing.
        await opened.prepare()
        yield opened


@pytest.fixture
def stores(database: Database) -> Stores:
    """All stores of that database."""
    return Stores.of(database)

"""A scheduler with the settings that most tests need, and an engine; a file that needs others has its own fixtures."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from services.common.bus import JOBS_STREAM, Bus
from services.renderer.engine.compiler import Compiler
from services.renderer.engine.engine import Engine
from services.scheduler.settings import SchedulerSettings
from services.scheduler.store.database import Database
from tests.support.renderer import running_engine
from tests.support.scheduler import Client, running_scheduler, scheduler_settings
from tests.support.servers import S3Server, UrlServer


@pytest.fixture
async def empty_lanes(nats_server: UrlServer) -> None:
    """Jobs that other tests left would pass for items that renderers have before them."""
    connection = await Bus.connect(nats_server.url, "test")
    await connection.jetstream.purge_stream(JOBS_STREAM)
    await connection.close()


@pytest.fixture
def settings(
    empty_lanes: None,
    nats_server: UrlServer,
    mongodb_server: UrlServer,
    s3_server: S3Server,
) -> SchedulerSettings:
    """A scheduler's settings, with a database of the test's own."""
    return scheduler_settings(nats_server, mongodb_server, s3_server)


@pytest.fixture
async def anonymous(settings: SchedulerSettings) -> AsyncIterator[Client]:
    """That scheduler, asked by nobody in particular."""
    async with running_scheduler(settings) as client:
        yield client


@pytest.fixture
async def client(anonymous: Client) -> Client:
    """That scheduler, asked by an account."""
    return await anonymous.as_account("acme")


@pytest.fixture
async def database(settings: SchedulerSettings) -> AsyncIterator[Database]:
    """That scheduler's database."""
    opened = Database(settings.mongodb_url, settings.mongodb_database)
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Engine]:
    """A file's engine."""
    async with running_engine() as running:
        yield running


@pytest.fixture(scope="module")
def compiler(engine: Engine) -> Compiler:
    """What fills templates for that engine."""
    return engine._shared.compiler

"""Fixtures for all tests: real servers, and the whole system."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import psutil
import pytest
import structlog

from pressline_local import servers
from tests.support.servers import S3Server, UrlServer, forgiving_cancelled_connects, serving
from tests.support.stack import Stack, processes_of, running_stack

# A shell that starts the tests in the background has them ignore it, and what they start would do the same.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Tracebacks without the values of variables: where those are pages of items, drawing them takes a minute.
plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])


def pytest_collection_finish(session: pytest.Session) -> None:
    """Of tests with the same name all but one would be left out where several run at a time."""
    found = Counter(item.nodeid for item in session.items)
    if repeated := [name for name, times in found.items() if times > 1]:
        raise pytest.UsageError(f"More than one test has the name {repeated[0]}")


@pytest.fixture(scope="session", autouse=True)
def no_process_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing that the tests start outlives them, detached or not."""
    yield
    _, left = psutil.wait_procs(psutil.Process().children(recursive=True), timeout=60)
    assert not left, left
    detached = processes_of(tmp_path_factory.getbasetemp())
    assert not detached, detached


@pytest.fixture(scope="session")
async def nats_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[UrlServer]:
    """NATS with JetStream."""
    async with serving(servers.nats, tmp_path_factory.mktemp("nats")) as server:
        yield UrlServer(server.settings["PRESSLINE_NATS_URL"])


@pytest.fixture(scope="session")
async def mongodb_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[UrlServer]:
    """A server with MongoDB's protocol."""
    async with serving(servers.mongodb, tmp_path_factory.mktemp("mongodb")) as server:
        url = server.settings["PRESSLINE_MONGODB_URL"]
        with forgiving_cancelled_connects(url):
            yield UrlServer(url)


@pytest.fixture(scope="session")
async def s3_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[S3Server]:
    """Object storage."""
    async with serving(servers.s3, tmp_path_factory.mktemp("s3")) as server:
        settings = server.settings
        yield S3Server(
            settings["PRESSLINE_S3_URL"],
            settings["PRESSLINE_S3_ACCESS_KEY"],
            settings["PRESSLINE_S3_SECRET_KEY"],
            settings.get("PRESSLINE_S3_BUCKET", "pressline"),
            settings.get("PRESSLINE_S3_REGION", "us-east-1"),
        )


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole system with two renderers, allowed to send webhooks to this machine."""
    data = tmp_path_factory.mktemp("stack") / "data"
    with running_stack(data, renderers=2, env={"PRESSLINE_WEBHOOK_ALLOW": "127.0.0.0/8"}) as running:
        yield running

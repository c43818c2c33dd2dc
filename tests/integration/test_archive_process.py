"""A renderer process that is killed while it makes an archive."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from zipfile import ZipFile

import psutil
import pytest

from pressline.archive.v1.archive_pb2 import ARCHIVE_STATE_COMPLETED, ARCHIVE_STATE_PROCESSING
from pressline.batch.v1 import batch_pb2
from services.renderer.engine.workspace import Workspace
from tests.support.archives import ArchiveWorld, archive_world
from tests.support.ports import free_port
from tests.support.scheduler import TOKEN, scheduler_settings
from tests.support.servers import S3Server, UrlServer

FILE_BYTES = 1 << 20


@pytest.fixture
async def world(nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server) -> AsyncIterator[ArchiveWorld]:
    settings = scheduler_settings(nats_server, mongodb_server, s3_server, lease_seconds=5)
    async with archive_world(settings) as made:
        yield made


@asynccontextmanager
async def renderer(world: ArchiveWorld, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A renderer process, killed at the end unless it has ended."""
    settings = world.settings
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PRESSLINE_")},
        "TMPDIR": str(folder),
        "PRESSLINE_NATS_URL": settings.nats_url,
        "PRESSLINE_S3_URL": settings.s3_url,
        "PRESSLINE_S3_ACCESS_KEY": settings.s3_access_key,
        "PRESSLINE_S3_SECRET_KEY": settings.s3_secret_key.get_secret_value(),
        "PRESSLINE_S3_BUCKET": settings.s3_bucket,
        "PRESSLINE_SCHEDULER_INTERNAL_ADDRESS": settings.scheduler_internal_listen,
        "PRESSLINE_SERVICE_TOKEN": TOKEN,
        "PRESSLINE_RENDERER_HEALTH_LISTEN": f"127.0.0.1:{free_port()}",
        "PRESSLINE_RENDERER_BROWSERS": "1",
    }
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "services.renderer", env=environment)
    try:
        yield process
    finally:
        family = psutil.Process(process.pid).children(recursive=True) if process.returncode is None else []
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
            await process.wait()
        await asyncio.to_thread(psutil.wait_procs, family, 10)


async def until_processing(world: ArchiveWorld, archive_id: str) -> None:
    async with asyncio.timeout(60):
        while (await world.read(archive_id)).state != ARCHIVE_STATE_PROCESSING:
            await asyncio.sleep(0.01)


async def test_an_archive_outlives_the_renderer_that_made_it(world: ArchiveWorld) -> None:
    batch_id = await world.ended(40, lambda index, _render: bytes([index]) * FILE_BYTES)
    workspace = Workspace()
    try:
        async with renderer(world, workspace.path) as doomed:
            archive = await world.ask(batch_id)
            await until_processing(world, archive.id)
            doomed.kill()
            await doomed.wait()
        assert (await world.read(archive.id)).state == ARCHIVE_STATE_PROCESSING
        async with renderer(world, workspace.path):
            made = await world.until_made(archive.id, 120)
    finally:
        workspace.close()
    assert made.state == ARCHIVE_STATE_COMPLETED
    found = await world.stores.archives.get(archive.id)
    assert found is not None
    assert (found["attempt"], found["crashes"]) == (2, 1)
    with ZipFile(io.BytesIO(await world.blobs.get(found["object_key"]))) as opened:
        assert opened.testzip() is None
        assert [opened.read(name)[0] for name in opened.namelist()[1:]] == list(range(40))
    delete = batch_pb2.DeleteBatchRequest(batch_id=batch_id)
    await world.client.batches.DeleteBatch(delete, metadata=world.client.auth)
    client = world.blobs._client
    left = await asyncio.to_thread(
        lambda: client._list_multipart_uploads(world.settings.s3_bucket, prefix=f"acme/{batch_id}/")
    )
    assert left.uploads == []

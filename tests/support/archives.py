"""Batches whose results are really stored, and renderers that make archives of them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pressline.archive.v1 import archive_pb2
from pressline.archive.v1.archive_pb2 import ARCHIVE_FORMAT_ZIP, ARCHIVE_STATE_COMPLETED, ARCHIVE_STATE_FAILED
from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from services.common import bus, rpc
from services.common.blobs import BlobStore
from services.common.bus import Bus
from services.common.consumer import Consumer
from services.renderer.archives.archiver import Archiver
from services.renderer.archives.jobs import ArchiveJobs
from services.scheduler.settings import SchedulerSettings
from services.scheduler.store.database import Database
from services.scheduler.stores import Stores
from tests.support.scheduler import HTML, PNG, TOKEN, Client, ReportingRenderer, running_scheduler

ENDED = (ARCHIVE_STATE_COMPLETED, ARCHIVE_STATE_FAILED)
# What an item's file holds; None fails the item.
Content = Callable[[int, task_pb2.Render], bytes | None]


def named(index: int, _render: task_pb2.Render) -> bytes:
    """Bytes that tell items apart."""
    return b"row %d" % index


@dataclass
class StoringRenderer(ReportingRenderer):
    """Stores a result for each task, and reports it as it is."""

    blobs: BlobStore | None = None
    content: Content = named
    stored: dict[str, bytes] = field(default_factory=dict)

    async def _report(self, task: task_pb2.Task, errors: list[batch_pb2.ItemError]) -> None:
        outputs = []
        for render in task.renders:
            data = self.content(int(task.lease.item_id[-5:]), render)
            if data is None:
                errors = [batch_pb2.ItemError(code="TEMPLATE_ERROR", message="as the test wishes")]
            else:
                outputs.append(await self._store(render, data))
        if errors:
            await self.client.tasks.FailTask(task_pb2.FailTaskRequest(lease=task.lease, errors=errors, outputs=outputs))
        else:
            await self.client.tasks.CompleteTask(task_pb2.CompleteTaskRequest(lease=task.lease, outputs=outputs))

    async def _store(self, render: task_pb2.Render, data: bytes) -> task_pb2.StoredOutput:
        assert self.blobs is not None
        await self.blobs.put(render.object_key, data, "application/octet-stream")
        self.stored[render.object_key] = data
        output = batch_pb2.Output(
            layout=render.layout,
            format=render.output.format,
            pages=int(render.output.format == batch_pb2.FORMAT_PDF),
            size_bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
        )
        return task_pb2.StoredOutput(object_key=render.object_key, output=output)


@dataclass
class ArchiveWorld:
    """A scheduler with what it keeps, as one account sees it."""

    client: Client
    settings: SchedulerSettings
    stores: Stores
    blobs: BlobStore

    async def ended(
        self,
        items: Sequence[batch_pb2.ItemSpec] | int,
        content: Content = named,
        spec: batch_pb2.BatchSpec | None = None,
    ) -> str:
        """The id of a batch that has ended."""
        rows = [batch_pb2.ItemSpec() for _ in range(items)] if isinstance(items, int) else list(items)
        spec = spec or batch_pb2.BatchSpec(source=HTML, output=PNG)
        spec.dialect = batch_pb2.DIALECT_NATIVE
        renderer = StoringRenderer(self.client, self.settings.nats_url, blobs=self.blobs, content=content, slots=16)
        async with renderer.running():
            created = await self.client.submit_items(spec, rows)
            await self.client.until_ended(created.batch.id, 120)
        return created.batch.id

    async def ask(
        self,
        batch_id: str,
        format_: archive_pb2.ArchiveFormat.ValueType = ARCHIVE_FORMAT_ZIP,
        client: Client | None = None,
    ) -> archive_pb2.Archive:
        """Ask for an archive."""
        request = archive_pb2.CreateArchiveRequest(batch_id=batch_id, format=format_)
        return await self.client.archives.CreateArchive(request, metadata=(client or self.client).auth)

    async def read(self, archive_id: str, client: Client | None = None) -> archive_pb2.Archive:
        """Read an archive."""
        request = archive_pb2.GetArchiveRequest(archive_id=archive_id)
        return await self.client.archives.GetArchive(request, metadata=(client or self.client).auth)

    async def until_made(self, archive_id: str, seconds: float = 90) -> archive_pb2.Archive:
        """The archive once it has ended."""
        async with asyncio.timeout(seconds):
            while (archive := await self.read(archive_id)).state not in ENDED:
                await asyncio.sleep(0.05)
        return archive

    async def made(
        self, batch_id: str, format_: archive_pb2.ArchiveFormat.ValueType = ARCHIVE_FORMAT_ZIP
    ) -> archive_pb2.Archive:
        """Ask for an archive and have it made."""
        async with self.archiving():
            return await self.until_made((await self.ask(batch_id, format_)).id)

    @asynccontextmanager
    async def archiving(self, blobs: BlobStore | None = None) -> AsyncIterator[Consumer]:
        """A renderer's part that makes archives."""
        connection = await Bus.connect(self.settings.nats_url, "archiver")
        channel = rpc.channel(self.settings.scheduler_internal_listen, TOKEN)
        archiver = Archiver(ArchiveJobs(channel, "archiver"), blobs or self.blobs, extend_every=0.5)
        consumer = Consumer(connection, bus.ARCHIVES, 1, archiver.handle)
        stop = asyncio.Event()
        running = asyncio.create_task(consumer.run(stop, 0))
        try:
            yield consumer
        finally:
            stop.set()
            await running
            await channel.close()
            await connection.close()


@asynccontextmanager
async def archive_world(settings: SchedulerSettings) -> AsyncIterator[ArchiveWorld]:
    """A scheduler until the end of the block, and the account `acme`."""
    database, blobs = Database(settings.mongodb_url, settings.mongodb_database), BlobStore(settings)
    try:
        async with running_scheduler(settings) as anonymous:
            yield ArchiveWorld(await anonymous.as_account("acme"), settings, Stores.of(database), blobs)
    finally:
        await blobs.close()
        await database.close()

"""Making one archive: from objects in the store to an object in the store."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC
from itertools import islice
from pathlib import Path
from typing import TypeVar

from pressline.archive.v1 import archive_pb2, job_pb2
from services.common.blobs import READ_BYTES, BlobStore
from services.renderer.archives import contents
from services.renderer.archives.contents import ArchivedFile, ArchivedItem
from services.renderer.archives.merger import merge_apart
from services.renderer.archives.names import MANIFEST
from services.renderer.archives.parts import Part
from services.renderer.archives.zipping import Member, bytes_at_most, zipped
from services.renderer.engine.workspace import Workspace

# Files that are fetched at once, and up to which size: what they hold is held in memory.
AHEAD = 4
SMALL_BYTES = 1024 * 1024
T = TypeVar("T")


@dataclass(frozen=True)
class Made:
    """A stored archive: its size in bytes and the SHA-256 of its bytes in hexadecimal."""

    size: int
    sha256: str


class _StoppedError(Exception):
    """The archive is not wanted any more."""


class Maker:
    """Makes the archive of a job.

    Args:
        blobs: holds the results and takes the archive.
        job: says what to make.
        folder: for merging PDFs; the temporary folder when there is none.
    """

    def __init__(self, blobs: BlobStore, job: job_pb2.ArchiveJob, folder: Path | None = None) -> None:
        self._blobs = blobs
        self._job = job
        self._folder = folder
        self._stopped = threading.Event()

    async def make(self, entries: Sequence[job_pb2.ArchiveEntry]) -> Made:
        """Make the archive and store it.

        Raises:
            UnmergeableError: the results cannot be put into one file.
            BLOB_ERRORS: the store fails.
        """
        items = contents.named(entries)
        if self._job.format == archive_pb2.ARCHIVE_FORMAT_PDF:
            return await self._pdf(items)
        return await self._apart(lambda: self._zip(items))

    def _zip(self, items: Sequence[ArchivedItem]) -> Made:
        manifest = contents.manifest(self._job.batch_id, items)
        files = [file for item in items for file in item.files]
        most = bytes_at_most([(MANIFEST, len(manifest)), *((file.name, file.output.size_bytes) for file in files)])
        when = self._job.batch_create_time.ToDatetime(UTC)
        return self._store(zipped(self._members(manifest, files), when), most, "application/zip")

    def _members(self, manifest: bytes, files: Iterable[ArchivedFile]) -> Iterator[Member]:
        yield Member(MANIFEST, len(manifest), [manifest])
        for file, parts in self._read(files):
            yield Member(file.name, file.output.size_bytes, parts)

    async def _pdf(self, items: Sequence[ArchivedItem]) -> Made:
        workspace = await asyncio.to_thread(Workspace, self._folder)
        try:
            folder = workspace.folder(owner=None)
            out = folder / "merged.pdf"
            parts = await self._apart(lambda: list(self._fetched(items, folder)))
            await merge_apart(parts, folder, out)
            return await self._apart(lambda: self._store(_parts_of(out), out.stat().st_size, "application/pdf"))
        finally:
            await asyncio.to_thread(workspace.close)

    def _fetched(self, items: Sequence[ArchivedItem], folder: Path) -> Iterator[Part]:
        reads = self._read(file for item in items for file in item.files)
        for item in items:
            for number, (file, parts) in enumerate(islice(reads, len(item.files))):
                path = folder / f"{item.entry.index}-{number}.pdf"
                with path.open("wb") as copy:
                    copy.writelines(self._while_wanted(parts))
                layout = file.output.layout if len(item.files) > 1 else ""
                yield Part(str(path), item.entry.index, contents.title(item.entry), layout)

    def _read(self, files: Iterable[ArchivedFile]) -> Iterator[tuple[ArchivedFile, Iterable[bytes]]]:
        """Files with their bytes. Small ones are fetched a few ahead: with them it is the way that takes its time."""
        with ThreadPoolExecutor(AHEAD, thread_name_prefix="archive") as threads:
            ahead: deque[tuple[ArchivedFile, Iterable[bytes]]] = deque()
            for file in files:
                parts = self._blobs.read(file.object_key, file.output.size_bytes)
                small = file.output.size_bytes <= SMALL_BYTES
                ahead.append((file, _once(threads.submit(b"".join, parts)) if small else parts))
                if len(ahead) > AHEAD:
                    yield ahead.popleft()
            yield from ahead

    def _store(self, parts: Iterable[bytes], at_most: int, content_type: str) -> Made:
        digest, size = hashlib.sha256(), 0

        def measured() -> Iterator[bytes]:
            nonlocal size
            for part in self._while_wanted(parts):
                digest.update(part)
                size += len(part)
                yield part

        self._blobs.write(self._job.object_key, measured(), at_most, content_type)
        return Made(size, digest.hexdigest())

    def _while_wanted(self, parts: Iterable[bytes]) -> Iterator[bytes]:
        for part in parts:
            if self._stopped.is_set():
                raise _StoppedError
            yield part

    async def _apart(self, work: Callable[[], T]) -> T:
        """Do blocking work on a thread, which has ended when this returns or is cancelled."""
        working = asyncio.ensure_future(asyncio.to_thread(work))
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            self._stopped.set()
            await asyncio.wait({working})
            raise


def _once(reading: Future[bytes]) -> Iterator[bytes]:
    yield reading.result()


def _parts_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(READ_BYTES):
            yield part

"""The scheduler's archive job service, as the archiver calls it."""

from __future__ import annotations

import grpc

from pressline.archive.v1 import archive_pb2, job_pb2, job_pb2_grpc
from services.common.rpc_errors import translated
from services.renderer.tasks import EXTEND_SECONDS, RELEASE_SECONDS, repeated


class ArchiveJobs:
    """Calls of one renderer. Every method raises PresslineError.

    Args:
        channel: to the scheduler's internal listener.
        worker: this renderer's name, for people.
    """

    def __init__(self, channel: grpc.aio.Channel, worker: str) -> None:
        self._stub = job_pb2_grpc.ArchiveJobServiceStub(channel)
        self._worker = worker

    async def claim(self, archive_id: str) -> job_pb2.ClaimArchiveResponse:
        """Lease an archive."""
        request = job_pb2.ClaimArchiveRequest(archive_id=archive_id, worker=self._worker)
        return await translated(self._stub.ClaimArchive(request))

    async def extend(self, lease: job_pb2.ArchiveLease) -> None:
        """Prolong a lease."""
        request = job_pb2.ExtendArchiveRequest(lease=lease)
        await translated(self._stub.ExtendArchive(request, timeout=EXTEND_SECONDS))

    async def entries(self, lease: job_pb2.ArchiveLease) -> list[job_pb2.ArchiveEntry]:
        """Everything that goes into an archive, by index."""
        entries: list[job_pb2.ArchiveEntry] = []
        request = job_pb2.ListEntriesRequest(lease=lease)
        while True:
            page = await translated(self._stub.ListEntries(request))
            entries.extend(page.entries)
            if not page.next_index:
                return entries
            request.from_index = page.next_index

    async def complete(self, lease: job_pb2.ArchiveLease, size_bytes: int, sha256: str) -> None:
        """Report a stored archive, repeatedly while the scheduler is away."""
        request = job_pb2.CompleteArchiveRequest(lease=lease, size_bytes=size_bytes, sha256=sha256)
        await repeated(lambda: translated(self._stub.CompleteArchive(request)))

    async def fail(self, lease: job_pb2.ArchiveLease, code: str, message: str) -> None:
        """Report that an archive cannot be made, repeatedly while the scheduler is away."""
        error = archive_pb2.ArchiveError(code=code, message=message)
        request = job_pb2.FailArchiveRequest(lease=lease, error=error)
        await repeated(lambda: translated(self._stub.FailArchive(request)))

    async def release(self, lease: job_pb2.ArchiveLease, reason: str, *, crashed: bool) -> None:
        """Give a lease back. Tried once: a lease that is not given back runs out."""
        request = job_pb2.ReleaseArchiveRequest(lease=lease, reason=reason, crashed=crashed)
        await translated(self._stub.ReleaseArchive(request, timeout=RELEASE_SECONDS))

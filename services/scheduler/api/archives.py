"""pressline.archive.v1.ArchiveService and ArchiveJobService."""

from __future__ import annotations

from typing import Any

import grpc

from pressline.archive.v1 import archive_pb2, archive_pb2_grpc, job_pb2, job_pb2_grpc
from services.common.errors import Violation, invalid
from services.common.scopes import Scope
from services.scheduler.api.caller import Callers
from services.scheduler.archives import ArchiveDesk
from services.scheduler.archiving import Archiving
from services.scheduler.store.archives import ArchiveFence

Context = grpc.aio.ServicerContext[Any, Any]


class ArchiveService(archive_pb2_grpc.ArchiveServiceServicer):
    """Archives of the calling account's batches."""

    def __init__(self, callers: Callers, desk: ArchiveDesk) -> None:
        self._callers = callers
        self._desk = desk

    async def CreateArchive(self, request: archive_pb2.CreateArchiveRequest, context: Context) -> archive_pb2.Archive:
        """Begin an archive, or find the one that there is."""
        caller = await self._callers.caller(context)
        # An archive that is there already is shown with its address.
        caller.require(Scope.READ)
        return await self._desk.create(caller.account["_id"], request)

    async def GetArchive(self, request: archive_pb2.GetArchiveRequest, context: Context) -> archive_pb2.Archive:
        """One archive."""
        account = await self._callers.account(context)
        return await self._desk.get(account["_id"], request.archive_id)


class ArchiveJobService(job_pb2_grpc.ArchiveJobServiceServicer):
    """What renderers say about archives."""

    def __init__(self, archiving: Archiving) -> None:
        self._archiving = archiving

    async def ClaimArchive(
        self, request: job_pb2.ClaimArchiveRequest, _context: Context
    ) -> job_pb2.ClaimArchiveResponse:
        """Lease an archive."""
        return await self._archiving.claim(request.archive_id, request.worker)

    async def ExtendArchive(
        self, request: job_pb2.ExtendArchiveRequest, _context: Context
    ) -> job_pb2.ExtendArchiveResponse:
        """Prolong a lease."""
        response = job_pb2.ExtendArchiveResponse()
        response.lease_duration.FromMilliseconds(await self._archiving.extend(_fence(request.lease)))
        return response

    async def ListEntries(self, request: job_pb2.ListEntriesRequest, _context: Context) -> job_pb2.ListEntriesResponse:
        """A page of what goes into an archive."""
        if request.from_index < 0:
            raise invalid(Violation("from_index", "is not negative"))
        return await self._archiving.entries(_fence(request.lease), request.from_index)

    async def CompleteArchive(
        self, request: job_pb2.CompleteArchiveRequest, _context: Context
    ) -> job_pb2.CompleteArchiveResponse:
        """Record success."""
        await self._archiving.complete(_fence(request.lease), request.size_bytes, request.sha256)
        return job_pb2.CompleteArchiveResponse()

    async def FailArchive(self, request: job_pb2.FailArchiveRequest, _context: Context) -> job_pb2.FailArchiveResponse:
        """Record failure."""
        if not request.error.code:
            raise invalid(Violation("error.code", "is required"))
        await self._archiving.fail(_fence(request.lease), request.error)
        return job_pb2.FailArchiveResponse()

    async def ReleaseArchive(
        self, request: job_pb2.ReleaseArchiveRequest, _context: Context
    ) -> job_pb2.ReleaseArchiveResponse:
        """Take an archive back."""
        await self._archiving.hand_back(_fence(request.lease), request.reason, crashed=request.crashed)
        return job_pb2.ReleaseArchiveResponse()


def _fence(lease: job_pb2.ArchiveLease) -> ArchiveFence:
    return ArchiveFence(lease.archive_id, lease.attempt, lease.token)

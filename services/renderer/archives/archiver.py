"""What happens to the message of an archive: claim, make, store, report."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import structlog
from google.protobuf.message import DecodeError

from pressline.archive.v1 import job_pb2
from services.common.blobs import BLOB_ERRORS, BlobStore, is_missing
from services.common.consumer import Again, Done, Verdict
from services.common.errors import PresslineError
from services.common.failpoints import Failpoint, failpoint
from services.renderer.archives.jobs import ArchiveJobs
from services.renderer.archives.maker import Made, Maker
from services.renderer.archives.merger import MergeBrokenError
from services.renderer.archives.parts import UnmergeableError
from services.renderer.leases import (
    EXTEND_EVERY_SECONDS,
    UNREACHABLE_PAUSE_SECONDS,
    HandedBackError,
    later,
    while_held,
)
from services.renderer.tasks import may_pass

RESULT_MISSING = "RESULT_MISSING"
log = structlog.get_logger()


class Archiver:
    """Makes archives.

    Args:
        jobs: the scheduler.
        blobs: holds the results and takes the archive.
        folder: for merging PDFs; the temporary folder when there is none.
        extend_every: seconds between two extensions of a lease.
    """

    def __init__(
        self,
        jobs: ArchiveJobs,
        blobs: BlobStore,
        folder: Path | None = None,
        extend_every: float = EXTEND_EVERY_SECONDS,
    ) -> None:
        self._jobs = jobs
        self._blobs = blobs
        self._folder = folder
        self._extend_every = extend_every

    async def handle(self, payload: bytes) -> Verdict:
        """Make the archive that a message names; the verdict says what becomes of the message."""
        try:
            archive_id = job_pb2.ArchiveRef.FromString(payload).archive_id
        except DecodeError:
            log.exception("message.unreadable")
            return Done()
        try:
            answer = await self._jobs.claim(archive_id)
        except PresslineError as error:
            log.warning("claim.failed", archive=archive_id, error=error.message)
            return Again(UNREACHABLE_PAUSE_SECONDS)
        match answer.WhichOneof("outcome"):
            case "job":
                return await self._work(answer.job)
            case "leased_elsewhere":
                return Again(max(answer.leased_elsewhere.remaining.ToTimedelta().total_seconds(), 1))
        return Done()

    async def _work(self, job: job_pb2.ArchiveJob) -> Verdict:
        """Make and report while the lease lasts."""
        structlog.contextvars.bind_contextvars(archive=job.lease.archive_id, attempt=job.lease.attempt)
        maker = Maker(self._blobs, job, self._folder)
        return await while_held(
            self._make_and_report(job, maker),
            partial(self._jobs.extend, job.lease),
            partial(self._release, job.lease, "the renderer shuts down", crashed=False),
            self._extend_every,
            job.lease_duration.ToTimedelta().total_seconds(),
        )

    async def _make_and_report(self, job: job_pb2.ArchiveJob, maker: Maker) -> Verdict:
        try:
            made = await self._make(job.lease, maker)
            failpoint(Failpoint.ARCHIVE_STORED)
            await self._jobs.complete(job.lease, made.size, made.sha256)
        except UnmergeableError as error:
            return await self._fail(job.lease, error)
        except HandedBackError as error:
            await self._release(job.lease, str(error), crashed=error.crashed)
            return later(job.lease.attempt)
        except PresslineError as error:
            log.warning("report.refused", reason=error.reason, error=error.message)
            if may_pass(error):
                return Again(UNREACHABLE_PAUSE_SECONDS)
            await self._discard(job.object_key)
        return Done()

    async def _make(self, lease: job_pb2.ArchiveLease, maker: Maker) -> Made:
        try:
            return await maker.make(await self._jobs.entries(lease))
        except (UnmergeableError, PresslineError):
            raise
        except BLOB_ERRORS as error:
            if is_missing(error):
                raise UnmergeableError(RESULT_MISSING, "The file of a result is not stored any more.") from error
            log.warning("archive.store_failed", error=repr(error))
            raise HandedBackError("the object store or the temporary folder failed") from error
        except MergeBrokenError as error:
            raise HandedBackError(str(error), crashed=True) from error
        except Exception as error:
            log.exception("archive.broken")
            raise HandedBackError("the renderer failed, as its log says", crashed=True) from error

    async def _fail(self, lease: job_pb2.ArchiveLease, error: UnmergeableError) -> Verdict:
        log.info("archive.failed", code=error.code, error=error.message)
        try:
            await self._jobs.fail(lease, error.code, error.message)
        except PresslineError as refusal:
            log.warning("report.refused", reason=refusal.reason, error=refusal.message)
            return Again(UNREACHABLE_PAUSE_SECONDS) if may_pass(refusal) else Done()
        return Done()

    async def _release(self, lease: job_pb2.ArchiveLease, reason: str, *, crashed: bool) -> None:
        log.warning("archive.handed_back", reason=reason, crashed=crashed)
        try:
            await self._jobs.release(lease, reason, crashed=crashed)
        except PresslineError as error:
            log.warning("release.failed", error=error.message)

    async def _discard(self, object_key: str) -> None:
        """Delete what nobody wants any more. Where that fails, it goes when the batch is looked through once more."""
        try:
            await self._blobs.delete([object_key])
        except BLOB_ERRORS as error:
            log.warning("archive.not_discarded", key=object_key, error=repr(error))

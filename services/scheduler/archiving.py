"""The renderers' side of an archive: claim, extend, list, end, hand back; and ringing for what nobody has claimed."""

from __future__ import annotations

import secrets

import structlog
from nats.errors import Error as NatsError

from pressline.archive.v1 import archive_pb2, job_pb2
from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from services.common import bus
from services.common.bus import Bus
from services.common.errors import PresslineError, Reason
from services.common.failpoints import Failpoint, failpoint
from services.scheduler import clock, views
from services.scheduler.archives import FORMATS, PAGE_ITEMS
from services.scheduler.store import archives as store
from services.scheduler.store.archives import ArchiveFence
from services.scheduler.store.database import Document
from services.scheduler.stores import Stores

MAX_CRASHES = 3
MAX_TRIES = 20
ARCHIVE_FAILED = "ARCHIVE_FAILED"
# Rung for again when nothing waits in the queue and nobody has claimed it for so long, or its lease is over so long.
LOST_MS = 15_000
SWEPT_AT_ONCE = 500
log = structlog.get_logger()


class Archiving:
    """What the archive job service does. Fenced by attempt and token, as items are.

    Args:
        stores: the state.
        message_bus: where renderers are rung for.
        lease_seconds: how long a claim lasts without an extension.
    """

    def __init__(self, stores: Stores, message_bus: Bus, lease_seconds: float) -> None:
        self._stores = stores
        self._bus = message_bus
        self._lease_ms = int(lease_seconds * 1000)

    async def ring(self, archive: Document) -> None:
        """Send the message of an archive. One that does not get out is sent by the sweep."""
        reference = job_pb2.ArchiveRef(archive_id=archive["_id"])
        # The moment of asking tells a new start from the one before.
        message_id = f"{archive['_id']}:{archive['created_ms']}:{archive['rings']}"
        try:
            await self._bus.publish(bus.ARCHIVE_JOBS, reference.SerializeToString(), message_id)
        except (NatsError, TimeoutError, OSError) as error:
            log.warning("archive.not_rung", archive=archive["_id"], error=repr(error))

    async def claim(self, archive_id: str, worker: str) -> job_pb2.ClaimArchiveResponse:
        """Lease an archive, or say why not."""
        archive = await self._stores.archives.get(archive_id)
        if archive is None or "open" not in archive:
            return _nothing("ended" if archive else "unknown")
        batch = await self._batch(archive)
        if batch is None:
            return _nothing("the batch is gone")
        if archive["tries"] >= MAX_TRIES:
            because = f", the last time because {archive['reason']}" if "reason" in archive else ""
            await self._give_up(archive, f"Tried {archive['tries']} times without a result{because}.")
            return _nothing("tried too often")
        if archive["state"] == store.PROCESSING:
            return await self._take_over(archive, batch, worker)
        claimed = await self._stores.archives.claim(archive_id, self._lease(worker))
        return self._job(claimed, batch) if claimed else _elsewhere(1_000)

    async def extend(self, fence: ArchiveFence) -> int:
        """Prolong a lease; the new duration in milliseconds."""
        if not await self._stores.archives.extend(fence, clock.now_ms() + self._lease_ms):
            raise _stale()
        return self._lease_ms

    async def entries(self, fence: ArchiveFence, first: int) -> job_pb2.ListEntriesResponse:
        """A page of what goes into a leased archive."""
        archive = await self._stores.archives.holds(fence)
        batch = await self._stores.batches.get(archive["batch_id"]) if archive else None
        if batch is None:
            raise _stale()
        items = await self._stores.items.page(batch["_id"], first, PAGE_ITEMS, batch["total"])
        following = first + PAGE_ITEMS
        return job_pb2.ListEntriesResponse(
            entries=[_entry(item) for item in items], next_index=following if following < batch["total"] else 0
        )

    async def complete(self, fence: ArchiveFence, size_bytes: int, sha256: str) -> None:
        """Record an archive that is stored. Repeating the call that won succeeds."""
        archive = await self._stores.archives.get(fence.archive_id)
        if archive is None:
            raise _stale()
        result = {"object_key": _object_key(archive, fence.attempt), "size_bytes": size_bytes, "sha256": sha256}
        await self._end(fence, store.COMPLETED, result)
        failpoint(Failpoint.ARCHIVE_COMPLETED)
        log.info("archive.completed", archive=fence.archive_id, attempt=fence.attempt, bytes=size_bytes)

    async def fail(self, fence: ArchiveFence, error: archive_pb2.ArchiveError) -> None:
        """Record that an archive cannot be made. Repeating the call that won succeeds."""
        await self._end(fence, store.FAILED, {"error_code": error.code, "error_message": error.message})
        log.info("archive.failed", archive=fence.archive_id, attempt=fence.attempt, code=error.code)

    async def hand_back(self, fence: ArchiveFence, reason: str, *, crashed: bool) -> None:
        """Return an archive to the queue; one that broke down too often fails instead."""
        archive = await self._stores.archives.hand_back(fence, clock.now_ms(), reason, crashed=crashed)
        if archive is None:
            raise _stale()
        log.warning("archive.handed_back", archive=fence.archive_id, attempt=fence.attempt, reason=reason)
        if archive["crashes"] >= MAX_CRASHES:
            await self._give_up(archive, f"It broke down {archive['crashes']} times, the last time because {reason}.")

    async def sweep(self) -> None:
        """Ring again for archives whose message or renderer was lost, and drop those whose batch is gone."""
        waiting = await self._stores.archives.all_open(SWEPT_AT_ONCE)
        if not waiting:
            return
        quiet = await self._bus.waiting(bus.ARCHIVES) == 0
        for archive in waiting:
            if await self._batch(archive) is not None and quiet and _is_lost(archive, clock.now_ms()):
                again = await self._stores.archives.ring_again(archive, clock.now_ms())
                if again is not None:
                    log.info("archive.rung_again", archive=archive["_id"], rings=again["rings"])
                    await self.ring(again)

    async def _batch(self, archive: Document) -> Document | None:
        """The archive's batch; without one that stays, there is nothing left to archive."""
        batch = await self._stores.batches.get(archive["batch_id"])
        if batch is None or "removing_ms" in batch:
            await self._stores.archives.delete_of(archive["batch_id"])
            return None
        return batch

    async def _take_over(self, archive: Document, batch: Document, worker: str) -> job_pb2.ClaimArchiveResponse:
        now = clock.now_ms()
        if archive["lease_ms"] >= now:
            return _elsewhere(archive["lease_ms"] - now)
        if archive["crashes"] + 1 >= MAX_CRASHES:
            await self._give_up(archive, f"The renderers that made it were lost {MAX_CRASHES} times.")
            return _nothing("crashed too often")
        log.warning("archive.taken_over", archive=archive["_id"], lost_worker=archive["worker"])
        taken = await self._stores.archives.take_over(archive, now, self._lease(worker))
        return self._job(taken, batch) if taken else _elsewhere(1_000)

    async def _give_up(self, archive: Document, message: str) -> None:
        await self._stores.archives.fail_unclaimed(archive, {"error_code": ARCHIVE_FAILED, "error_message": message})

    async def _end(self, fence: ArchiveFence, state: str, result: Document) -> None:
        if await self._stores.archives.end(fence, state, result):
            return
        archive = await self._stores.archives.get(fence.archive_id)
        won = (fence.attempt, fence.token, state)
        if archive is None or (archive["attempt"], archive.get("token"), archive["state"]) != won:
            raise _stale()

    def _lease(self, worker: str) -> Document:
        return {"token": secrets.token_urlsafe(16), "worker": worker, "lease_ms": clock.now_ms() + self._lease_ms}

    def _job(self, archive: Document, batch: Document) -> job_pb2.ClaimArchiveResponse:
        lease = job_pb2.ArchiveLease(archive_id=archive["_id"], attempt=archive["attempt"], token=archive["token"])
        job = job_pb2.ArchiveJob(
            lease=lease,
            batch_id=batch["_id"],
            format=FORMATS[archive["format"]],
            object_key=_object_key(archive, archive["attempt"]),
            batch_create_time=clock.timestamp(batch["created_ms"]),
        )
        job.lease_duration.FromMilliseconds(self._lease_ms)
        return job_pb2.ClaimArchiveResponse(job=job)


def _entry(item: Document) -> job_pb2.ArchiveEntry:
    return job_pb2.ArchiveEntry(
        item_id=item["_id"],
        index=item["index"],
        reference=item["reference"],
        filename=item["filename"],
        state=views.item_state_value(item["state"]),
        outputs=[task_pb2.StoredOutput.FromString(stored) for stored in item.get("outputs", ())],
        errors=[batch_pb2.ItemError.FromString(error) for error in item.get("errors", ())],
    )


def _object_key(archive: Document, attempt: int) -> str:
    """Beneath the batch's own prefix, so that it goes when the batch goes."""
    return f"{archive['account_id']}/{archive['batch_id']}/archives/{attempt}.{archive['format']}"


def _is_lost(archive: Document, now: int) -> bool:
    rung_long_ago = bool(archive["rung_ms"] < now - LOST_MS)
    return rung_long_ago and (archive["state"] == store.QUEUED or archive["lease_ms"] < now - LOST_MS)


def _nothing(reason: str) -> job_pb2.ClaimArchiveResponse:
    return job_pb2.ClaimArchiveResponse(nothing_to_do=task_pb2.NothingToDo(reason=reason))


def _elsewhere(remaining_ms: int) -> job_pb2.ClaimArchiveResponse:
    response = job_pb2.ClaimArchiveResponse()
    response.leased_elsewhere.remaining.FromMilliseconds(remaining_ms)
    return response


def _stale() -> PresslineError:
    return PresslineError(Reason.STALE_ATTEMPT, "The lease is not the current one: discard the work.")

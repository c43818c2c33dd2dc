"""Asking for archives, and what becomes of them when renderers, messages and batches are lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from urllib.parse import urlsplit

import grpc
import pytest
from minio import Minio

from pressline.account.v1 import account_pb2
from pressline.archive.v1 import job_pb2
from pressline.archive.v1.archive_pb2 import (
    ARCHIVE_FORMAT_PDF,
    ARCHIVE_FORMAT_UNSPECIFIED,
    ARCHIVE_STATE_COMPLETED,
    ARCHIVE_STATE_FAILED,
    ARCHIVE_STATE_PROCESSING,
    ARCHIVE_STATE_QUEUED,
    ArchiveError,
)
from pressline.batch.v1 import batch_pb2
from services.common import bus
from services.common.blobs import BlobStore
from services.common.bus import Bus
from services.common.errors import PresslineError, Reason
from services.common.rpc_errors import from_rpc_error
from services.scheduler import archives, clock
from services.scheduler.archiving import LOST_MS, MAX_CRASHES
from services.scheduler.removal import RECHECK_MS
from tests.support.archives import ArchiveWorld, archive_world, named
from tests.support.scheduler import scheduler_settings
from tests.support.servers import S3Server, UrlServer

LEASE_SECONDS = 5


@pytest.fixture
async def world(nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server) -> AsyncIterator[ArchiveWorld]:
    settings = scheduler_settings(nats_server, mongodb_server, s3_server, lease_seconds=LEASE_SECONDS)
    async with archive_world(settings) as made:
        yield made
        await without_messages(made)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets the clock forward by so many milliseconds from the real time."""
    real = clock.now_ms
    return lambda milliseconds: monkeypatch.setattr(clock, "now_ms", lambda: real() + milliseconds)


class SlowBlobs(BlobStore):
    """Reads objects slowly, until told otherwise."""

    slow = True
    reads = 0

    def read(self, key: str, size: int) -> Iterator[bytes]:
        """As the store does, later."""
        self.reads += 1
        if self.slow:
            time.sleep(0.2)
        yield from super().read(key, size)


async def refusal(call: Awaitable[object]) -> PresslineError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return from_rpc_error(caught.value)


async def without_messages(world: ArchiveWorld) -> None:
    """Lose every message about archives."""
    connection = await Bus.connect(world.settings.nats_url, "test")
    await connection.jetstream.purge_stream(bus.JOBS_STREAM, subject=bus.ARCHIVE_JOBS)
    await connection.close()


async def objects(world: ArchiveWorld, batch_id: str) -> list[str]:
    settings = world.settings
    secret = settings.s3_secret_key.get_secret_value()
    client = Minio(urlsplit(settings.s3_url).netloc, settings.s3_access_key, secret, secure=False)
    found = await asyncio.to_thread(
        lambda: list(client.list_objects(settings.s3_bucket, f"acme/{batch_id}/", recursive=True))
    )
    return [str(each.object_name) for each in found]


async def claim(world: ArchiveWorld, archive_id: str) -> job_pb2.ClaimArchiveResponse:
    return await world.client.archive_jobs.ClaimArchive(job_pb2.ClaimArchiveRequest(archive_id=archive_id, worker="w"))


async def test_many_who_ask_at_once_get_one_archive(world: ArchiveWorld) -> None:
    batch_id = await world.ended(3)
    asked = await asyncio.gather(*(world.ask(batch_id) for _ in range(8)))
    assert len({archive.id for archive in asked}) == 1
    async with world.archiving():
        made = await world.until_made(asked[0].id)
    assert (made.state, made.items) == (ARCHIVE_STATE_COMPLETED, 3)
    assert len([key for key in await objects(world, batch_id) if key.endswith(".zip")]) == 1
    assert await world.ask(batch_id) == made
    found = await world.stores.archives.get(made.id)
    assert found is not None
    assert found["attempt"] == 1


async def test_what_cannot_be_archived_is_refused(world: ArchiveWorld) -> None:
    running = (await world.client.submit(2)).batch.id
    refused = await refusal(world.ask(running))
    assert (refused.reason, "running" in refused.message) == (Reason.CONFLICT, True)
    await world.client.cancel(running)
    await world.client.until_ended(running)
    assert (await refusal(world.ask(running))).reason is Reason.CONFLICT

    failed = await world.ended(2, lambda *_: None)
    refused = await refusal(world.ask(failed))
    assert (refused.reason, "Nothing" in refused.message) == (Reason.CONFLICT, True)

    batch_id = await world.ended(3, lambda index, render: named(index, render) if index else None)
    refused = await refusal(world.ask(batch_id, ARCHIVE_FORMAT_PDF))
    assert refused.reason is Reason.VALIDATION_ERROR
    assert [item.path for item in refused.violations] == ["format"]
    suffix = batch_id.removeprefix("batch_")
    assert f"item 1 (gen_{suffix}00001) is a png, as do 1 more" in refused.violations[0].message
    assert (await refusal(world.ask(batch_id, ARCHIVE_FORMAT_UNSPECIFIED))).reason is Reason.VALIDATION_ERROR
    assert (await refusal(world.ask("batch_unknown"))).reason is Reason.NOT_FOUND
    assert (await refusal(world.read("nonsense"))).reason is Reason.NOT_FOUND
    assert (await refusal(world.read(f"arc_{suffix}_zip"))).reason is Reason.NOT_FOUND


async def test_archives_belong_to_their_batch_s_owner_and_go_with_it(world: ArchiveWorld) -> None:
    batch_id = await world.ended(2)
    archive = await world.made(batch_id)
    stranger = await world.client.as_account("stranger")
    for call in (world.ask(batch_id, client=stranger), world.read(archive.id, stranger)):
        assert (await refusal(call)).reason is Reason.NOT_FOUND
    delete = batch_pb2.DeleteBatchRequest(batch_id=batch_id)
    await world.client.batches.DeleteBatch(delete, metadata=world.client.auth)
    for call in (world.ask(batch_id), world.read(archive.id)):
        assert (await refusal(call)).reason is Reason.GONE
    assert await objects(world, batch_id) == []
    assert await world.stores.archives.get(archive.id) is None


async def test_archives_need_both_scopes_and_are_no_renders(world: ArchiveWorld) -> None:
    batch_id = await world.ended(2)
    await world.made(batch_id)
    usage = await world.client.account.GetUsage(account_pb2.GetUsageRequest(), metadata=world.client.auth)
    assert (usage.monthly_use.used, usage.monthly_use.reserved) == (2, 0)
    for scope in (account_pb2.SCOPE_SUBMIT, account_pb2.SCOPE_READ):
        create = account_pb2.CreateKeyRequest(name="half", scopes=[scope])
        made = await world.client.account.CreateKey(create, metadata=world.client.auth)
        half = type(world.client)(world.client.public, world.client.internal, made.api_key)
        assert (await refusal(world.ask(batch_id, client=half))).reason is Reason.FORBIDDEN


async def test_only_so_many_are_made_at_once(world: ArchiveWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_OPEN", 2)
    batches = [await world.ended(1) for _ in range(3)]
    for batch_id in batches[:2]:
        await world.ask(batch_id)
    refused = await refusal(world.ask(batches[2]))
    assert (refused.reason, refused.retry_after) == (Reason.RATE_LIMITED, archives.BUSY_RETRY_SECONDS)
    assert (await world.ask(batches[0])).state == ARCHIVE_STATE_QUEUED


async def test_a_message_that_was_lost_is_sent_again(world: ArchiveWorld, later: Callable[[int], None]) -> None:
    archive = await world.ask(await world.ended(1))
    await without_messages(world)
    later(LOST_MS + 1_000)
    async with world.archiving():
        assert (await world.until_made(archive.id)).state == ARCHIVE_STATE_COMPLETED


async def test_a_lost_renderer_is_replaced_and_what_it_still_says_is_refused(
    world: ArchiveWorld, later: Callable[[int], None]
) -> None:
    archive = await world.ask(await world.ended(1))
    lost = (await claim(world, archive.id)).job.lease
    assert (await claim(world, archive.id)).WhichOneof("outcome") == "leased_elsewhere"
    assert (await world.read(archive.id)).state == ARCHIVE_STATE_PROCESSING
    later(LEASE_SECONDS * 1000 + 1)
    async with world.archiving():
        made = await world.until_made(archive.id)
    assert made.state == ARCHIVE_STATE_COMPLETED
    late: list[Awaitable[object]] = [
        world.client.archive_jobs.ExtendArchive(job_pb2.ExtendArchiveRequest(lease=lost)),
        world.client.archive_jobs.ListEntries(job_pb2.ListEntriesRequest(lease=lost)),
        world.client.archive_jobs.CompleteArchive(job_pb2.CompleteArchiveRequest(lease=lost, size_bytes=1, sha256="x")),
        world.client.archive_jobs.FailArchive(job_pb2.FailArchiveRequest(lease=lost, error=ArchiveError(code="X"))),
        world.client.archive_jobs.ReleaseArchive(job_pb2.ReleaseArchiveRequest(lease=lost)),
    ]
    assert [(await refusal(call)).reason for call in late] == [Reason.STALE_ATTEMPT] * len(late)
    assert await world.read(archive.id) == made


async def test_three_breakdowns_fail_it_and_asking_again_begins_anew(world: ArchiveWorld) -> None:
    batch_id = await world.ended(1)
    archive = await world.ask(batch_id)
    for _ in range(MAX_CRASHES):
        lease = (await claim(world, archive.id)).job.lease
        await world.client.archive_jobs.ReleaseArchive(
            job_pb2.ReleaseArchiveRequest(lease=lease, reason="it fell over", crashed=True)
        )
    failed = await world.read(archive.id)
    assert (failed.state, failed.error.code) == (ARCHIVE_STATE_FAILED, "ARCHIVE_FAILED")
    assert "3 times" in failed.error.message
    assert "it fell over" in failed.error.message
    assert (await claim(world, archive.id)).WhichOneof("outcome") == "nothing_to_do"
    assert (await world.ask(batch_id)).state == ARCHIVE_STATE_QUEUED
    async with world.archiving():
        assert (await world.until_made(archive.id)).state == ARCHIVE_STATE_COMPLETED


async def test_a_report_may_be_repeated(world: ArchiveWorld) -> None:
    archive = await world.ask(await world.ended(1))
    lease = (await claim(world, archive.id)).job.lease
    report = job_pb2.CompleteArchiveRequest(lease=lease, size_bytes=1, sha256="x")
    await world.client.archive_jobs.CompleteArchive(report)
    await world.client.archive_jobs.CompleteArchive(report)
    assert (await world.read(archive.id)).sha256 == "x"


async def test_a_result_that_is_missing_fails_it_clearly(world: ArchiveWorld) -> None:
    batch_id = await world.ended(2)
    await world.blobs.delete([(await objects(world, batch_id))[0]])
    failed = await world.made(batch_id)
    assert (failed.state, failed.error.code) == (ARCHIVE_STATE_FAILED, "RESULT_MISSING")


async def test_a_batch_deleted_meanwhile_leaves_no_object(world: ArchiveWorld, later: Callable[[int], None]) -> None:
    batch_id = await world.ended(30)
    slow = SlowBlobs(world.settings)
    async with world.archiving(slow):
        await world.ask(batch_id)
        async with asyncio.timeout(60):
            while not slow.reads:
                await asyncio.sleep(0.02)
        await world.client.batches.DeleteBatch(
            batch_pb2.DeleteBatchRequest(batch_id=batch_id), metadata=world.client.auth
        )
    # The archiver has ended: what it may have stored after the removal is looked for once more.
    later(2 * RECHECK_MS)
    async with asyncio.timeout(60):
        while await world.stores.tombstones.to_recheck(clock.now_ms(), 10):
            await asyncio.sleep(0.1)
    assert slow.reads < 30
    assert await objects(world, batch_id) == []
    await slow.close()


async def test_one_that_is_stopped_hands_its_archive_to_the_next(world: ArchiveWorld) -> None:
    batch_id = await world.ended(30)
    slow = SlowBlobs(world.settings)
    async with world.archiving(slow):
        archive = await world.ask(batch_id)
        async with asyncio.timeout(60):
            while not slow.reads:
                await asyncio.sleep(0.02)
    handed_back = await world.stores.archives.get(archive.id)
    assert handed_back is not None
    assert (handed_back["state"], handed_back["crashes"]) == ("queued", 0)
    async with world.archiving():
        assert (await world.until_made(archive.id)).state == ARCHIVE_STATE_COMPLETED
    await slow.close()

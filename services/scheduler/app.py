"""Wiring of the scheduler: what is made of what, started and stopped in which order."""

from __future__ import annotations

import asyncio

import structlog

from pressline.account.v1 import account_pb2_grpc
from pressline.archive.v1 import archive_pb2_grpc, job_pb2_grpc
from pressline.asset.v1 import asset_pb2_grpc
from pressline.batch.v1 import batch_pb2_grpc
from pressline.event.v1 import event_pb2_grpc
from pressline.task.v1 import task_pb2_grpc
from pressline.template.v1 import template_pb2_grpc
from pressline.webhook.v1 import webhook_pb2_grpc
from services.common import lifecycle
from services.common.blobs import BLOB_ERRORS, BlobStore
from services.common.bus import Bus
from services.common.rpc import Server
from services.scheduler.api.accounts import AccountService, AdmissionService
from services.scheduler.api.archives import ArchiveJobService, ArchiveService
from services.scheduler.api.assets import AssetService
from services.scheduler.api.batches import BatchService
from services.scheduler.api.caller import Callers, Operators
from services.scheduler.api.events import EventService
from services.scheduler.api.tasks import TaskService
from services.scheduler.api.templates import TemplateService
from services.scheduler.api.webhooks import DeliveryService, WebhookService
from services.scheduler.parts import Parts
from services.scheduler.settings import SchedulerSettings
from services.scheduler.slots import GATHER_SECONDS
from services.scheduler.store.database import DATABASE_ERRORS, SCHEMA, Database

PUBLIC_SERVICES = (
    "pressline.batch.v1.BatchService",
    "pressline.template.v1.TemplateService",
    "pressline.account.v1.AccountService",
    "pressline.webhook.v1.WebhookService",
    "pressline.event.v1.EventService",
    "pressline.archive.v1.ArchiveService",
    "pressline.asset.v1.AssetService",
)
INTERNAL_SERVICES = (
    "pressline.task.v1.TaskService",
    "pressline.account.v1.AdmissionService",
    "pressline.account.v1.AccountService",
    "pressline.webhook.v1.DeliveryService",
    "pressline.archive.v1.ArchiveJobService",
)
CALL_GRACE_SECONDS = 10.0
_UNAVAILABLE = DATABASE_ERRORS + BLOB_ERRORS
log = structlog.get_logger()


async def serve(settings: SchedulerSettings, stop: asyncio.Event) -> None:
    """Run the scheduler until stopped. Waits for its servers at start, in any order they come."""
    database = Database(settings.mongodb_url, settings.mongodb_database)
    blobs = BlobStore(settings)
    try:
        await lifecycle.unless_stopped(lifecycle.until_done(database.prepare, DATABASE_ERRORS), stop)
        await _check_layout(database)
        await lifecycle.unless_stopped(lifecycle.until_done(blobs.ensure_bucket, BLOB_ERRORS), stop)
        bus = await lifecycle.unless_stopped(Bus.connect(settings.nats_url, "scheduler", settings.nats_replicas), stop)
        try:
            await _run(Parts(settings, database, blobs, bus), stop)
        finally:
            await bus.close()
    finally:
        await blobs.close()
        await database.close()


async def _check_layout(database: Database) -> None:
    other = await database.other_layout()
    if other is not None:
        raise lifecycle.Unusable(
            f"The database holds documents of layout {other}, and this version reads layout {SCHEMA} only. "
            "Start it with an empty database (with `pressline up`: another --data folder), or run the version "
            "that wrote them."
        )


async def _run(parts: Parts, stop: asyncio.Event) -> None:
    public, internal = _public_listener(parts), _internal_listener(parts)
    await internal.start(*INTERNAL_SERVICES)
    await public.start(*PUBLIC_SERVICES)
    # Not every prober speaks TLS, or has a certificate to show.
    health = Server(parts.settings.scheduler_health_listen) if parts.settings.scheduler_health_listen else None
    if health:
        await health.start()
    log.info("scheduler.serving", public=public.address, internal=internal.address)
    pause = parts.settings.sweep_seconds
    loops = (
        parts.dispatcher.run(stop),
        lifecycle.every(GATHER_SECONDS, stop, parts.finisher.free_gathered),
        lifecycle.every(pause, stop, parts.sweeper.sweep),
        lifecycle.every(pause, stop, parts.remover.sweep),
        lifecycle.every(pause, stop, parts.archiving.sweep),
        lifecycle.every(pause, stop, parts.asset_sweeper.sweep),
    )
    working = asyncio.gather(*loops)
    await stop.wait()
    if health:
        await health.stop(0)
    # Renderers still report to the internal listener while the public one already refuses.
    await public.leave()
    parts.watches.close()
    await public.stop(CALL_GRACE_SECONDS)
    await internal.leave()
    await internal.stop(CALL_GRACE_SECONDS)
    await parts.finisher.free_gathered()
    parts.dispatcher.wake(urgent=True)
    await working
    await parts.canceller.close()
    await parts.remover.close()


def _public_listener(parts: Parts) -> Server:
    server = Server(parts.settings.scheduler_listen, None, _UNAVAILABLE, parts.settings.public_tls)
    callers = Callers(parts.accounts)
    batch_pb2_grpc.add_BatchServiceServicer_to_server(BatchService(callers, parts), server.grpc)
    template_pb2_grpc.add_TemplateServiceServicer_to_server(TemplateService(callers, parts.templates), server.grpc)
    accounts = AccountService(callers, parts.accounts, parts.keyring, parts.audit_log)
    account_pb2_grpc.add_AccountServiceServicer_to_server(accounts, server.grpc)
    webhooks = WebhookService(callers, parts.deliveries, parts.ownership, parts.signing, parts.subscriptions)
    webhook_pb2_grpc.add_WebhookServiceServicer_to_server(webhooks, server.grpc)
    event_pb2_grpc.add_EventServiceServicer_to_server(EventService(callers, parts.feed), server.grpc)
    asset_pb2_grpc.add_AssetServiceServicer_to_server(AssetService(callers, parts.assets), server.grpc)
    archive_pb2_grpc.add_ArchiveServiceServicer_to_server(ArchiveService(callers, parts.archives), server.grpc)
    return server


def _internal_listener(parts: Parts) -> Server:
    token = parts.settings.service_token.get_secret_value()
    server = Server(parts.settings.scheduler_internal_listen, token, _UNAVAILABLE, parts.settings.internal_tls)
    tasks = TaskService(parts.tasks, parts.stores.sources, parts.inspecting, parts.stores.asset_sets)
    task_pb2_grpc.add_TaskServiceServicer_to_server(tasks, server.grpc)
    admission = AdmissionService(parts.accounts, parts.keyring)
    account_pb2_grpc.add_AdmissionServiceServicer_to_server(admission, server.grpc)
    operators = AccountService(Operators(parts.accounts), parts.accounts, parts.keyring, parts.audit_log)
    account_pb2_grpc.add_AccountServiceServicer_to_server(operators, server.grpc)
    webhook_pb2_grpc.add_DeliveryServiceServicer_to_server(DeliveryService(parts.deliveries), server.grpc)
    job_pb2_grpc.add_ArchiveJobServiceServicer_to_server(ArchiveJobService(parts.archiving), server.grpc)
    return server

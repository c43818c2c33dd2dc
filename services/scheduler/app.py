"""Wiring of the scheduler: what is made of what, started and stopped in which order."""

from __future__ import annotations

import asyncio

import structlog

from pressline.account.v1 import account_pb2_grpc
from pressline.batch.v1 import batch_pb2_grpc
from pressline.event.v1 import event_pb2_grpc
from pressline.task.v1 import task_pb2_grpc
from pressline.template.v1 import template_pb2_grpc
from pressline.webhook.v1 import webhook_pb2_grpc
from services.common import lifecycle
from services.common.blobs import BLOB_ERRORS, BlobStore
from services.common.bus import Bus
from services.common.rpc import Server
from services.scheduler.accounts import AccountDesk
from services.scheduler.api.accounts import AccountService, AdmissionService
from services.scheduler.api.batches import BatchService
from services.scheduler.api.caller import Callers, Operators
from services.scheduler.api.events import EventService
from services.scheduler.api.tasks import TaskService
from services.scheduler.api.templates import TemplateService
from services.scheduler.api.webhooks import DeliveryService, WebhookService
from services.scheduler.audit import AuditLog
from services.scheduler.cancel import Canceller
from services.scheduler.deliveries import DeliveryDesk
from services.scheduler.dispatch import Dispatcher
from services.scheduler.dryrun import DryRun
from services.scheduler.feed import Feed
from services.scheduler.finish import Finisher
from services.scheduler.inspecting import Inspecting
from services.scheduler.intake import Intake
from services.scheduler.keyring import KeyRing
from services.scheduler.keys import Vault
from services.scheduler.once import Once
from services.scheduler.ownership import Ownership
from services.scheduler.pace import Pace
from services.scheduler.plans import Plans
from services.scheduler.preparing import Preparer
from services.scheduler.progress import Progress
from services.scheduler.reading import BatchReader
from services.scheduler.removal import Remover
from services.scheduler.settings import SchedulerSettings
from services.scheduler.signer import Signer
from services.scheduler.signing import SigningSecrets
from services.scheduler.store.database import DATABASE_ERRORS, Database
from services.scheduler.stores import Stores
from services.scheduler.subscriptions import SubscriptionDesk
from services.scheduler.sweep import Sweeper
from services.scheduler.tasks import Tasks
from services.scheduler.templates import TemplateDesk
from services.scheduler.usage import Meter
from services.scheduler.waiting import Waiters
from services.scheduler.watch import Watches

PUBLIC_SERVICES = (
    "pressline.batch.v1.BatchService",
    "pressline.template.v1.TemplateService",
    "pressline.account.v1.AccountService",
    "pressline.webhook.v1.WebhookService",
    "pressline.event.v1.EventService",
)
INTERNAL_SERVICES = (
    "pressline.task.v1.TaskService",
    "pressline.account.v1.AdmissionService",
    "pressline.account.v1.AccountService",
    "pressline.webhook.v1.DeliveryService",
)
CALL_GRACE_SECONDS = 10.0
log = structlog.get_logger()


async def serve(settings: SchedulerSettings, stop: asyncio.Event) -> None:
    """Run the scheduler until stopped. Waits for its servers at start, in any order they come."""
    database = Database(settings.mongodb_url, settings.mongodb_database)
    blobs = BlobStore(settings)
    try:
        await lifecycle.unless_stopped(lifecycle.until_done(database.prepare, DATABASE_ERRORS), stop)
        await lifecycle.unless_stopped(lifecycle.until_done(blobs.ensure_bucket, BLOB_ERRORS), stop)
        bus = await lifecycle.unless_stopped(Bus.connect(settings.nats_url, "scheduler", settings.nats_replicas), stop)
        try:
            await _Scheduler(settings, database, blobs, bus).run(stop)
        finally:
            await bus.close()
    finally:
        await blobs.close()
        await database.close()


class _Scheduler:
    def __init__(self, settings: SchedulerSettings, database: Database, blobs: BlobStore, bus: Bus) -> None:
        self._settings = settings
        stores, plans, pace = Stores.of(database), _plans(settings), Pace()
        inspecting = Inspecting(stores, bus, settings.template_wait_seconds)
        vault = Vault(bytes.fromhex(settings.secret_key.get_secret_value()))
        audit_log, meter = AuditLog(stores.audit), Meter(stores.usage, stores.batches, plans)
        keyring, signing = KeyRing(stores.keys, vault, audit_log), SigningSecrets(stores.accounts, vault, audit_log)
        self._dispatcher = Dispatcher(stores, bus, plans, pace)
        waiters = Waiters(stores.items)
        finisher = Finisher(stores, bus, self._dispatcher.wake, waiters, meter)
        self._canceller = Canceller(stores, finisher)
        self._sweeper = Sweeper(stores, bus, self._dispatcher, finisher, self._canceller, meter)
        preparer = Preparer(stores.templates, inspecting)
        intake = Intake(
            stores,
            plans,
            settings.waiting_batches,
            settings.result_days,
            self._dispatcher.wake,
            meter,
            preparer,
            finisher.finish,
        )
        accounts = AccountDesk(stores.accounts, stores.keys, vault, plans, meter, audit_log)
        subscriptions = SubscriptionDesk(stores.subscriptions, vault, Once(stores.idempotency), settings.webhook_allow)
        deliveries = DeliveryDesk(stores, signing, subscriptions)
        callers, tasks = Callers(accounts), Tasks(stores, finisher, pace, settings.lease_seconds)
        unavailable = DATABASE_ERRORS + BLOB_ERRORS

        self._public = Server(settings.scheduler_listen, unavailable=unavailable)
        progress = Progress(stores.items)
        reader = BatchReader(stores.batches, progress)
        self._watches = Watches(reader.now, bus.hints, settings.watchers)
        ownership, self._remover = Ownership(stores), Remover(stores, blobs, finisher, meter)
        batches = BatchService(
            callers,
            stores,
            intake,
            self._canceller,
            progress,
            reader,
            self._watches,
            Signer(blobs),
            blobs,
            ownership,
            waiters,
            self._remover,
            DryRun(preparer, plans, pace, meter),
        )
        batch_pb2_grpc.add_BatchServiceServicer_to_server(batches, self._public.grpc)
        templates = TemplateService(callers, TemplateDesk(stores.templates, Once(stores.idempotency), inspecting))
        template_pb2_grpc.add_TemplateServiceServicer_to_server(templates, self._public.grpc)
        account = AccountService(callers, accounts, keyring, audit_log)
        account_pb2_grpc.add_AccountServiceServicer_to_server(account, self._public.grpc)
        webhooks = WebhookService(callers, deliveries, ownership, signing, subscriptions)
        webhook_pb2_grpc.add_WebhookServiceServicer_to_server(webhooks, self._public.grpc)
        events = EventService(callers, Feed(stores.events))
        event_pb2_grpc.add_EventServiceServicer_to_server(events, self._public.grpc)

        token = settings.service_token.get_secret_value()
        self._internal = Server(settings.scheduler_internal_listen, token, unavailable)
        task_service = TaskService(tasks, stores.sources, inspecting)
        task_pb2_grpc.add_TaskServiceServicer_to_server(task_service, self._internal.grpc)
        admission = AdmissionService(accounts, keyring)
        account_pb2_grpc.add_AdmissionServiceServicer_to_server(admission, self._internal.grpc)
        operators = AccountService(Operators(accounts), accounts, keyring, audit_log)
        account_pb2_grpc.add_AccountServiceServicer_to_server(operators, self._internal.grpc)
        webhook_pb2_grpc.add_DeliveryServiceServicer_to_server(DeliveryService(deliveries), self._internal.grpc)

    async def run(self, stop: asyncio.Event) -> None:
        await self._internal.start(*INTERNAL_SERVICES)
        await self._public.start(*PUBLIC_SERVICES)
        log.info("scheduler.serving", public=self._public.address, internal=self._internal.address)
        dispatching = asyncio.create_task(self._dispatcher.run(stop))
        sweeping = asyncio.create_task(lifecycle.every(self._settings.sweep_seconds, stop, self._sweeper.sweep))
        removing = asyncio.create_task(lifecycle.every(self._settings.sweep_seconds, stop, self._remover.sweep))
        await stop.wait()
        self._watches.close()
        # Renderers still report to the internal listener while the public one already refuses.
        await self._public.stop(CALL_GRACE_SECONDS)
        await self._internal.stop(CALL_GRACE_SECONDS)
        self._dispatcher.wake()
        await asyncio.gather(dispatching, sweeping, removing)
        await self._canceller.close()
        await self._remover.close()


def _plans(settings: SchedulerSettings) -> Plans:
    renders_per_month = {
        "free": settings.free_renders_per_month,
        "pro": settings.pro_renders_per_month,
        "business": settings.business_renders_per_month,
        "enterprise": settings.enterprise_renders_per_month,
    }
    return Plans(settings.enterprise_requests_per_minute, renders_per_month)

"""Wiring of the scheduler: what is made of what, started and stopped in which order."""

from __future__ import annotations

import asyncio

import structlog

from pressline.account.v1 import account_pb2_grpc
from pressline.batch.v1 import batch_pb2_grpc
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
from services.scheduler.api.caller import Callers
from services.scheduler.api.tasks import TaskService
from services.scheduler.api.templates import TemplateService
from services.scheduler.api.webhooks import DeliveryService, WebhookService
from services.scheduler.cancel import Canceller
from services.scheduler.deliveries import DeliveryDesk
from services.scheduler.dispatch import Dispatcher
from services.scheduler.finish import Finisher
from services.scheduler.intake import Intake
from services.scheduler.keys import Vault
from services.scheduler.pace import Pace
from services.scheduler.plans import Plans
from services.scheduler.progress import Progress
from services.scheduler.settings import SchedulerSettings
from services.scheduler.signer import Signer
from services.scheduler.store.database import DATABASE_ERRORS, Database
from services.scheduler.stores import Stores
from services.scheduler.sweep import Sweeper
from services.scheduler.tasks import Tasks

PUBLIC_SERVICES = (
    "pressline.batch.v1.BatchService",
    "pressline.template.v1.TemplateService",
    "pressline.account.v1.AccountService",
    "pressline.webhook.v1.WebhookService",
)
INTERNAL_SERVICES = (
    "pressline.task.v1.TaskService",
    "pressline.account.v1.AdmissionService",
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
        stores, plans, pace = Stores.of(database), Plans(settings.enterprise_requests_per_minute), Pace()
        vault = Vault(bytes.fromhex(settings.secret_key.get_secret_value()))
        self._dispatcher = Dispatcher(stores, bus, plans, pace)
        finisher = Finisher(stores, bus, self._dispatcher.wake)
        self._canceller = Canceller(stores, finisher)
        self._sweeper = Sweeper(stores, bus, self._dispatcher, finisher, self._canceller)
        intake = Intake(stores, plans, settings.waiting_batches, settings.result_days, self._dispatcher.wake)
        accounts, deliveries = AccountDesk(stores.accounts, vault, plans), DeliveryDesk(stores, vault)
        callers, tasks = Callers(accounts), Tasks(stores, finisher, pace, settings.lease_seconds)
        unavailable = DATABASE_ERRORS + BLOB_ERRORS

        self._public = Server(settings.scheduler_listen, unavailable=unavailable)
        batches = BatchService(callers, stores, intake, self._canceller, Progress(stores.items), Signer(blobs), blobs)
        batch_pb2_grpc.add_BatchServiceServicer_to_server(batches, self._public.grpc)
        templates = TemplateService(callers, stores.templates)
        template_pb2_grpc.add_TemplateServiceServicer_to_server(templates, self._public.grpc)
        account_pb2_grpc.add_AccountServiceServicer_to_server(AccountService(callers, accounts), self._public.grpc)
        webhooks = WebhookService(callers, deliveries, stores.batches)
        webhook_pb2_grpc.add_WebhookServiceServicer_to_server(webhooks, self._public.grpc)

        token = settings.service_token.get_secret_value()
        self._internal = Server(settings.scheduler_internal_listen, token, unavailable)
        task_pb2_grpc.add_TaskServiceServicer_to_server(TaskService(tasks, stores.sources), self._internal.grpc)
        account_pb2_grpc.add_AdmissionServiceServicer_to_server(AdmissionService(accounts), self._internal.grpc)
        webhook_pb2_grpc.add_DeliveryServiceServicer_to_server(DeliveryService(deliveries), self._internal.grpc)

    async def run(self, stop: asyncio.Event) -> None:
        await self._internal.start(*INTERNAL_SERVICES)
        await self._public.start(*PUBLIC_SERVICES)
        log.info("scheduler.serving", public=self._public.address, internal=self._internal.address)
        dispatching = asyncio.create_task(self._dispatcher.run(stop))
        sweeping = asyncio.create_task(lifecycle.every(self._settings.sweep_seconds, stop, self._sweeper.sweep))
        await stop.wait()
        # Renderers still report to the internal listener while the public one already refuses.
        await self._public.stop(CALL_GRACE_SECONDS)
        await self._internal.stop(CALL_GRACE_SECONDS)
        self._dispatcher.wake()
        await asyncio.gather(dispatching, sweeping)
        await self._canceller.close()

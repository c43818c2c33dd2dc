"""What the scheduler is made of: each part made once, from the parts that it needs."""

from __future__ import annotations

from functools import cached_property

from services.common.blobs import BlobStore
from services.common.bus import Bus
from services.common.places import Places
from services.scheduler.accounts import AccountDesk
from services.scheduler.admission import Admission, Bounds
from services.scheduler.archives import ArchiveDesk
from services.scheduler.archiving import Archiving
from services.scheduler.assets import AssetDesk
from services.scheduler.assetsweep import AssetSweeper
from services.scheduler.audit import AuditLog
from services.scheduler.backlog import Backlog
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
from services.scheduler.library import Limits
from services.scheduler.listing import AccountItems
from services.scheduler.once import Once
from services.scheduler.ownership import Ownership
from services.scheduler.pace import Pace
from services.scheduler.passwords import Locksmith
from services.scheduler.plans import Plans
from services.scheduler.preparing import Preparer
from services.scheduler.progress import Progress
from services.scheduler.reading import BatchReader, ItemReader
from services.scheduler.removal import Remover
from services.scheduler.retrying import Retrier
from services.scheduler.settings import SchedulerSettings
from services.scheduler.signer import Signer
from services.scheduler.signing import SigningSecrets
from services.scheduler.store.database import Database, Document
from services.scheduler.stores import Stores
from services.scheduler.subscriptions import SubscriptionDesk
from services.scheduler.sweep import Sweeper
from services.scheduler.tasks import Tasks
from services.scheduler.templates import TemplateDesk
from services.scheduler.throughput import Throughput
from services.scheduler.usage import Meter
from services.scheduler.waiting import Waiters
from services.scheduler.watch import Watches


class Parts:
    """The parts of one scheduler.

    Args:
        settings: the process's settings.
        database: holds all state.
        blobs: holds the outputs.
        bus: announces jobs and ends.
    """

    def __init__(self, settings: SchedulerSettings, database: Database, blobs: BlobStore, bus: Bus) -> None:
        self.settings = settings
        self.stores = Stores.of(database)
        self.blobs = blobs
        self.bus = bus
        self.pace = Pace()
        self.signer = Signer(blobs)
        self.vault = Vault(bytes.fromhex(settings.secret_key.get_secret_value()))

    @cached_property
    def plans(self) -> Plans:
        settings = self.settings
        renders_per_month = {
            "free": settings.free_renders_per_month,
            "pro": settings.pro_renders_per_month,
            "business": settings.business_renders_per_month,
            "enterprise": settings.enterprise_renders_per_month,
        }
        return Plans(settings.enterprise_requests_per_minute, renders_per_month)

    # Batches, from acceptance to removal.

    @cached_property
    def inspecting(self) -> Inspecting:
        return Inspecting(self.stores, self.bus, self.settings.template_wait_seconds)

    @cached_property
    def preparer(self) -> Preparer:
        return Preparer(self.stores.templates, self.inspecting)

    @cached_property
    def dry_run(self) -> DryRun:
        return DryRun(self.preparer, self.plans, self.pace, self.meter, self.settings.webhook_allow)

    @cached_property
    def backlog(self) -> Backlog:
        return Backlog(self.stores.batches, Throughput())

    @cached_property
    def admission(self) -> Admission:
        settings = self.settings
        bounds = Bounds(settings.waiting_batches, settings.account_unfinished_items, settings.unfinished_items)
        return Admission(self.stores.batches, self.plans, self.backlog, bounds)

    @cached_property
    def intake(self) -> Intake:
        return Intake(
            self.stores,
            self.admission,
            self.settings.result_days,
            self._accepted,
            self.meter,
            self.preparer,
            self.finisher.finish,
            self.locksmith,
            self.settings.webhook_allow,
        )

    def _accepted(self, batch: Document) -> None:
        self.backlog.accepted(batch)
        self.dispatcher.wake(urgent=True)

    @cached_property
    def locksmith(self) -> Locksmith:
        return Locksmith(self.vault)

    @cached_property
    def retrier(self) -> Retrier:
        allow = self.settings.webhook_allow
        return Retrier(self.stores, self.ownership, self.finisher, self.intake, self.locksmith, allow)

    @cached_property
    def dispatcher(self) -> Dispatcher:
        return Dispatcher(self.stores, self.bus, self.plans, self.pace, self.backlog)

    @cached_property
    def tasks(self) -> Tasks:
        return Tasks(self.stores, self.finisher, self.pace, self.locksmith, self.settings.lease_seconds)

    @cached_property
    def waiters(self) -> Waiters:
        return Waiters(self.stores.items)

    @cached_property
    def finisher(self) -> Finisher:
        return Finisher(self.stores, self.bus, self.dispatcher.wake, self.waiters, self.meter)

    @cached_property
    def canceller(self) -> Canceller:
        return Canceller(self.stores, self.finisher)

    @cached_property
    def sweeper(self) -> Sweeper:
        return Sweeper(self.stores, self.bus, self.dispatcher, self.finisher, self.canceller, self.meter)

    @cached_property
    def remover(self) -> Remover:
        return Remover(self.stores, self.blobs, self.finisher, self.meter)

    # Reading and following batches.

    @cached_property
    def ownership(self) -> Ownership:
        return Ownership(self.stores)

    @cached_property
    def progress(self) -> Progress:
        return Progress(self.stores.items)

    @cached_property
    def reader(self) -> BatchReader:
        return BatchReader(self.stores.batches, self.progress, self.backlog)

    @cached_property
    def item_reader(self) -> ItemReader:
        return ItemReader(self.stores.items, self.progress, self.signer.sign)

    @cached_property
    def account_items(self) -> AccountItems:
        return AccountItems(self.stores, self.ownership, self.signer.sign)

    @cached_property
    def watches(self) -> Watches:
        places = Places(self.settings.watchers, self.settings.watchers_per_account, "streams of batches")
        return Watches(self.reader.now, self.bus.hints, places)

    # Archives of batches.

    @cached_property
    def archiving(self) -> Archiving:
        return Archiving(self.stores, self.bus, self.settings.lease_seconds)

    @cached_property
    def archives(self) -> ArchiveDesk:
        return ArchiveDesk(self.stores, self.ownership, self.finisher, self.signer, self.archiving.ring)

    # Accounts, templates and webhooks.

    @cached_property
    def audit_log(self) -> AuditLog:
        return AuditLog(self.stores.audit)

    @cached_property
    def meter(self) -> Meter:
        return Meter(self.stores.usage, self.stores.batches, self.plans)

    @cached_property
    def keyring(self) -> KeyRing:
        return KeyRing(self.stores.keys, self.vault, self.audit_log)

    @cached_property
    def signing(self) -> SigningSecrets:
        return SigningSecrets(self.stores.accounts, self.vault, self.audit_log)

    @cached_property
    def accounts(self) -> AccountDesk:
        return AccountDesk(self.stores.accounts, self.stores.keys, self.vault, self.plans, self.meter, self.audit_log)

    @cached_property
    def templates(self) -> TemplateDesk:
        return TemplateDesk(self.stores.templates, Once(self.stores.idempotency), self.inspecting)

    @cached_property
    def assets(self) -> AssetDesk:
        settings = self.settings
        limits = Limits(settings.account_assets, settings.asset_bytes, settings.account_asset_bytes)
        return AssetDesk(self.stores.assets, self.blobs, self.audit_log, limits)

    @cached_property
    def asset_sweeper(self) -> AssetSweeper:
        return AssetSweeper(self.stores, self.blobs)

    @cached_property
    def subscriptions(self) -> SubscriptionDesk:
        once = Once(self.stores.idempotency)
        return SubscriptionDesk(self.stores.subscriptions, self.vault, once, self.settings.webhook_allow)

    @cached_property
    def deliveries(self) -> DeliveryDesk:
        return DeliveryDesk(self.stores, self.signing, self.subscriptions)

    @cached_property
    def feed(self) -> Feed:
        return Feed(self.stores.events)

"""All stores of the scheduler, opened together."""

from __future__ import annotations

from dataclasses import dataclass

from services.scheduler.store.accounts import Accounts
from services.scheduler.store.archives import Archives
from services.scheduler.store.assets import Assets, AssetSets
from services.scheduler.store.audit import Audit
from services.scheduler.store.batches import Batches
from services.scheduler.store.database import Database
from services.scheduler.store.deliveries import Deliveries
from services.scheduler.store.events import Events
from services.scheduler.store.idempotency import Idempotency
from services.scheduler.store.inspections import Inspections
from services.scheduler.store.items import Items
from services.scheduler.store.keys import Keys
from services.scheduler.store.requests import Requests
from services.scheduler.store.subscriptions import Subscriptions
from services.scheduler.store.templates import Sources, Templates
from services.scheduler.store.tombstones import Tombstones
from services.scheduler.store.usage import Usage


@dataclass(frozen=True)
class Stores:
    """One of each."""

    accounts: Accounts
    batches: Batches
    items: Items
    templates: Templates
    sources: Sources
    idempotency: Idempotency
    deliveries: Deliveries
    events: Events
    subscriptions: Subscriptions
    tombstones: Tombstones
    keys: Keys
    usage: Usage
    audit: Audit
    inspections: Inspections
    requests: Requests
    archives: Archives
    assets: Assets
    asset_sets: AssetSets

    @classmethod
    def of(cls, database: Database) -> Stores:
        """The stores of a database."""
        return cls(
            Accounts(database),
            Batches(database),
            Items(database),
            Templates(database),
            Sources(database),
            Idempotency(database),
            Deliveries(database),
            Events(database),
            Subscriptions(database),
            Tombstones(database),
            Keys(database),
            Usage(database),
            Audit(database),
            Inspections(database),
            Requests(database),
            Archives(database),
            Assets(database),
            AssetSets(database),
        )

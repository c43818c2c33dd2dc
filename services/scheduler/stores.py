"""All stores of the scheduler, opened together."""

from __future__ import annotations

from dataclasses import dataclass

from services.scheduler.store.accounts import Accounts
from services.scheduler.store.batches import Batches
from services.scheduler.store.database import Database
from services.scheduler.store.deliveries import Deliveries
from services.scheduler.store.idempotency import Idempotency
from services.scheduler.store.items import Items
from services.scheduler.store.templates import Sources, Templates


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
        )

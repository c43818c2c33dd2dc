"""Accepting a batch: checked, resolved, written invisibly, then committed in one step."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from pressline.batch.v1 import batch_pb2
from services.common import ids
from services.common.addresses import AllowList
from services.common.errors import PresslineError, Reason, invalid
from services.common.failpoints import Failpoint, failpoint
from services.scheduler import asked, assets, checks, clock, egress, environment, model, views
from services.scheduler.admission import Admission
from services.scheduler.newitems import new_item
from services.scheduler.once import Once
from services.scheduler.passwords import Locksmith, wanted_outputs
from services.scheduler.preparing import Prepared, Preparer
from services.scheduler.resolve import Plan
from services.scheduler.store.database import SCHEMA, Document
from services.scheduler.stores import Stores
from services.scheduler.usage import Meter

CHUNK = 500
CHUNKS_AT_ONCE = 2
CREATE_LEASE_MS = 30_000
# A batch may still be running when its time is over.
SOURCE_MARGIN_MS = clock.DAY_MS


@dataclass(frozen=True)
class Retry:
    """What a batch tries again.

    Attributes:
        batch_id: the batch.
        item_ids: the item behind each new one, by index.
        versions: of templates, by id, those to render; of any other the latest.
    """

    batch_id: str = ""
    item_ids: Sequence[str] = ()
    versions: Mapping[str, int] = field(default_factory=dict)

    @property
    def batch_field(self) -> Document:
        """What the new batch says of it."""
        return {"retry_of": self.batch_id} if self.batch_id else {}

    def item_field(self, index: int) -> Document:
        """What the new item at an index says of it."""
        return {"retry_of": self.item_ids[index]} if self.batch_id else {}


NO_RETRY = Retry()


class Intake:
    """Creates batches.

    Args:
        stores: where they are kept.
        admission: bounds what is unfinished.
        result_days: how long results are kept.
        accepted: called with every batch that was accepted.
        meter: reserves the month's renders.
        preparer: resolves items and checks their rows.
        finish: called with a batch whose items had all failed before anything was rendered.
        locksmith: seals the passwords of encrypted PDFs.
        allow: webhook receivers that may be reached although their address is not public.
    """

    def __init__(
        self,
        stores: Stores,
        admission: Admission,
        result_days: float,
        accepted: Callable[[Document], None],
        meter: Meter,
        preparer: Preparer,
        finish: Callable[[str], Awaitable[None]],
        locksmith: Locksmith,
        allow: AllowList,
    ) -> None:
        self._stores = stores
        self._once = Once(stores.idempotency)
        self._admission = admission
        self._kept_ms = int(result_days * clock.DAY_MS)
        self._accepted = accepted
        self._meter = meter
        self._preparer = preparer
        self._finish = finish
        self._locksmith = locksmith
        self._allow = allow

    async def create(
        self, account: Document, spec: batch_pb2.BatchSpec, items: list[batch_pb2.ItemSpec]
    ) -> batch_pb2.CreateBatchResponse:
        """Accept a batch, or answer as an earlier call with the same idempotency key was answered.

        Raises:
            PresslineError: the batch is refused; its idempotency key stays unused.
        """
        violations = checks.batch(spec, items, self._allow)
        if violations:
            raise invalid(*violations)

        async def make(batch_id: str) -> batch_pb2.CreateBatchResponse:
            return await self.accept(account, spec, items, batch_id)

        key, answer = spec.idempotency, batch_pb2.CreateBatchResponse
        return await self._once.create(account["_id"], key, ids.new("batch"), make, answer)

    async def accept(
        self,
        account: Document,
        spec: batch_pb2.BatchSpec,
        items: list[batch_pb2.ItemSpec],
        batch_id: str,
        retry: Retry = NO_RETRY,
    ) -> batch_pb2.CreateBatchResponse:
        """Accept what is well formed under a new id, or go on where an earlier try of the same call broke off.

        Raises:
            PresslineError: the batch is refused.
        """
        async with self._admission.of(account, batch_id, len(items), single=spec.single):
            return await self._accept(account, spec, items, batch_id, retry)

    async def _accept(
        self,
        account: Document,
        spec: batch_pb2.BatchSpec,
        items: list[batch_pb2.ItemSpec],
        batch_id: str,
        retry: Retry,
    ) -> batch_pb2.CreateBatchResponse:
        prepared = await self._preparer.prepare(account["_id"], spec, items, retry.versions)
        refused = prepared.violations or (prepared.row_violations if spec.reject_invalid else [])
        if refused:
            raise invalid(*refused)
        kept_until = clock.now_ms() + self._kept_ms + SOURCE_MARGIN_MS
        batch = self._batch(account["_id"], spec, batch_id, prepared) | retry.batch_field
        batch |= egress.copied(account)
        batch |= self._locksmith.key_field(batch_id, wanted_outputs(spec, items))
        batch["asset_set_id"], _ = await asyncio.gather(
            assets.pin(self._stores.assets, self._stores.asset_sets, account["_id"], kept_until),
            self._stores.sources.put(account["_id"], prepared.resolver.sources, kept_until),
        )
        await self._write(account, batch, spec, items, prepared, retry)
        if all(row.faults for row in prepared.rows):
            await self._finish(batch_id)
        self._accepted(batch)
        return views.created(batch)

    def _batch(self, account_id: str, spec: batch_pb2.BatchSpec, batch_id: str, prepared: Prepared) -> Document:
        now, total = clock.now_ms(), len(prepared.plans)
        template = prepared.resolver.templates.get(spec.source.template_id)
        return {
            "_id": batch_id,
            "account_id": account_id,
            "dialect": spec.dialect,
            "single": spec.single,
            "layouts": list(spec.layouts),
            "layout_list": spec.layout_list,
            "total": total,
            "refused": sum(1 for row in prepared.rows if row.faults),
            "lane": model.lane(total),
            "window": model.window(spec.concurrency),
            "next_index": 0,
            "slots": [],
            "in_flight": 0,
            "template_id": template.id if template else "",
            "template_version": template.version if template else 0,
            "webhook_url": spec.webhook_url,
            "metadata": spec.metadata_json,
            "environment": environment.stored(spec.environment),
            "created_ms": now,
            "expires_ms": now + self._kept_ms,
            "lease_ms": now + CREATE_LEASE_MS,
            "schema": SCHEMA,
        }

    async def _write(
        self,
        account: Document,
        batch: Document,
        spec: batch_pb2.BatchSpec,
        items: list[batch_pb2.ItemSpec],
        prepared: Prepared,
        retry: Retry,
    ) -> None:
        batches = self._stores.batches
        if not await batches.insert_creating(batch) and not await batches.adopt_creating(
            batch["_id"], batch["lease_ms"]
        ):
            await self._require_committed(batch["_id"])
            return
        failpoint(Failpoint.CREATE_INSERTED)
        plans = prepared.sound_plans
        if "password_key" in batch:
            # An earlier try of the same call may have stored items, and the key that theirs are sealed with.
            stored = await batches.get(batch["_id"]) or {}
            self._locksmith.seal({**batch, **stored}, [*wanted_outputs(spec, items), *prepared.outputs])
        await self._reserve(account, batch, plans)
        failpoint(Failpoint.CREATE_RESERVED)
        documents = (
            new_item(batch, index, item, plan, row) | retry.item_field(index)
            for index, (item, plan, row) in enumerate(zip(items, plans, prepared.rows, strict=True))
        )
        await self._insert(documents, self._stores.requests.put(batch["_id"], asked.spec_kept(spec)))
        if not await batches.commit(batch["_id"]):
            await self._require_committed(batch["_id"])
        failpoint(Failpoint.CREATE_COMMITTED)

    async def _require_committed(self, batch_id: str) -> None:
        """Refuse a creation that was given up; another try of the same call may have committed it."""
        if not await self._stores.batches.is_committed(batch_id):
            message = "The batch took too long to store; nothing was accepted."
            raise PresslineError(Reason.SERVICE_UNAVAILABLE, message, retry_after=1)

    async def _insert(self, documents: Iterator[Document], beside: Coroutine[Any, Any, None]) -> None:
        """Store items in chunks; the next one is made while the database is at the one before it.

        Args:
            documents: the items.
            beside: what is stored meanwhile.
        """

        async def insert() -> None:
            while chunk := list(islice(documents, CHUNK)):
                await self._stores.items.insert(chunk)
                failpoint(Failpoint.CREATE_CHUNK_STORED)

        inserting = [asyncio.create_task(each) for each in (beside, *(insert() for _ in range(CHUNKS_AT_ONCE)))]
        try:
            await asyncio.gather(*inserting)
        finally:
            for task in inserting:
                task.cancel()

    async def _reserve(self, account: Document, batch: Document, plans: list[Plan]) -> None:
        renders = [len(plan.renders) for plan in plans]
        try:
            await self._meter.reserve(account, batch["_id"], sum(renders), max(renders))
        except PresslineError:
            if await self._stores.batches.abandon(batch["_id"], batch["lease_ms"] + 1):
                await self._stores.batches.delete(batch["_id"])
            raise

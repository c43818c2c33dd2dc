"""Accepting a batch: checked, resolved, written invisibly, then committed in one step."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pressline.batch.v1 import batch_pb2
from services.common import ids
from services.common.errors import PresslineError, Reason, invalid
from services.scheduler import checks, clock, model, views
from services.scheduler.once import BUSY_RETRY_SECONDS, Once
from services.scheduler.plans import Plans
from services.scheduler.preparing import Prepared, Preparer
from services.scheduler.resolve import Plan
from services.scheduler.rowcheck import CheckedRow
from services.scheduler.store.database import SCHEMA, Document
from services.scheduler.stores import Stores
from services.scheduler.usage import Meter

CHUNK = 500
CREATE_LEASE_MS = 30_000
TEMPLATE_ERROR = "TEMPLATE_ERROR"
# A batch may still be running when its time is over.
SOURCE_MARGIN_MS = clock.DAY_MS
# Single renders take no place among batches, so this alone bounds those that nobody waits for any more.
UNFINISHED_SINGLES = 1_000


class Intake:
    """Creates batches.

    Args:
        stores: where they are kept.
        plans: what accounts may submit.
        waiting_batches: batches of one account that may wait for a place.
        result_days: how long results are kept.
        wake: called when there is something to dispatch.
        meter: reserves the month's renders.
        preparer: resolves items and checks their rows.
        finish: called with a batch whose items had all failed before anything was rendered.
    """

    def __init__(
        self,
        stores: Stores,
        plans: Plans,
        waiting_batches: int,
        result_days: float,
        wake: Callable[[], None],
        meter: Meter,
        preparer: Preparer,
        finish: Callable[[str], Awaitable[None]],
    ) -> None:
        self._stores = stores
        self._once = Once(stores.idempotency)
        self._plans = plans
        self._waiting_batches = waiting_batches
        self._kept_ms = int(result_days * clock.DAY_MS)
        self._wake = wake
        self._meter = meter
        self._preparer = preparer
        self._finish = finish

    async def create(
        self, account: Document, spec: batch_pb2.BatchSpec, items: list[batch_pb2.ItemSpec]
    ) -> batch_pb2.CreateBatchResponse:
        """Accept a batch, or answer as an earlier call with the same idempotency key was answered.

        Raises:
            PresslineError: the batch is refused; its idempotency key stays unused.
        """
        violations = checks.batch(spec, items)
        if violations:
            raise invalid(*violations)

        async def make(batch_id: str) -> batch_pb2.CreateBatchResponse:
            return await self._create(account, spec, items, batch_id)

        key, answer = spec.idempotency, batch_pb2.CreateBatchResponse
        return await self._once.create(account["_id"], key, ids.new("batch"), make, answer)

    async def _create(
        self, account: Document, spec: batch_pb2.BatchSpec, items: list[batch_pb2.ItemSpec], batch_id: str
    ) -> batch_pb2.CreateBatchResponse:
        await self._refuse_over_limits(account, len(items), single=spec.single)
        prepared = await self._preparer.prepare(account["_id"], spec, items)
        refused = prepared.violations or (prepared.row_violations if spec.reject_invalid else [])
        if refused:
            raise invalid(*refused)
        kept_until = clock.now_ms() + self._kept_ms + SOURCE_MARGIN_MS
        for source in prepared.resolver.sources.values():
            await self._stores.sources.put(account["_id"], source, kept_until)
        batch = self._batch(account["_id"], spec, batch_id, prepared)
        await self._write(account, batch, items, prepared)
        if all(row.faults for row in prepared.rows):
            await self._finish(batch_id)
        self._wake()
        return views.created(batch)

    async def _refuse_over_limits(self, account: Document, count: int, *, single: bool) -> None:
        over = over_plan(self._plans, account, count)
        if over:
            raise PresslineError(Reason.PLAN_LIMIT_EXCEEDED, over)
        active = await self._stores.batches.active()
        mine = [batch for batch in active if batch["account_id"] == account["_id"] and batch["single"] == single]
        if single:
            if len(mine) >= UNFINISHED_SINGLES:
                raise PresslineError(
                    Reason.RATE_LIMITED,
                    f"{UNFINISHED_SINGLES} single renders of this account are unfinished already.",
                    retry_after=BUSY_RETRY_SECONDS,
                )
        elif sum(batch["state"] == model.PENDING for batch in mine) >= self._waiting_batches:
            raise PresslineError(
                Reason.RATE_LIMITED,
                f"{self._waiting_batches} batches of this account are waiting already.",
                retry_after=BUSY_RETRY_SECONDS,
            )

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
            "lane": model.lane(total),
            "window": model.window(spec.concurrency),
            "next_index": 0,
            "slots": [],
            "in_flight": 0,
            "template_id": template.id if template else "",
            "template_version": template.version if template else 0,
            "webhook_url": spec.webhook_url,
            "metadata": spec.metadata_json,
            "created_ms": now,
            "expires_ms": now + self._kept_ms,
            "lease_ms": now + CREATE_LEASE_MS,
            "schema": SCHEMA,
        }

    async def _write(
        self, account: Document, batch: Document, items: list[batch_pb2.ItemSpec], prepared: Prepared
    ) -> None:
        batches = self._stores.batches
        if not await batches.insert_creating(batch) and not await batches.adopt_creating(
            batch["_id"], batch["lease_ms"]
        ):
            return  # An earlier try of this call committed it.
        plans = prepared.sound_plans
        await self._reserve(account, batch, plans)
        for start in range(0, len(items), CHUNK):
            rows = range(start, min(start + CHUNK, len(items)))
            made = [_item(batch, index, items[index], plans[index], prepared.rows[index]) for index in rows]
            await self._stores.items.insert(made)
        if not await batches.commit(batch["_id"]) and await batches.get(batch["_id"]) is None:
            raise PresslineError(
                Reason.SERVICE_UNAVAILABLE, "The batch took too long to store; nothing was accepted.", retry_after=1
            )

    async def _reserve(self, account: Document, batch: Document, plans: list[Plan]) -> None:
        renders = [len(plan.renders) for plan in plans]
        try:
            await self._meter.reserve(account, batch["_id"], sum(renders), max(renders))
        except PresslineError:
            await self._stores.batches.abandon(batch["_id"], batch["lease_ms"] + 1)
            raise


def over_plan(plans: Plans, account: Document, count: int) -> str | None:
    """Why an account may not submit so many items at once; None when it may."""
    allowed = plans.limits(account["plan"]).items_per_batch
    if count <= allowed:
        return None
    return f"The {account['plan']} plan allows {allowed} items in a batch; this one has {count}."


def _item(batch: Document, index: int, item: batch_pb2.ItemSpec, plan: Plan, row: CheckedRow) -> Document:
    document = {
        "_id": ids.item_id(batch["_id"], index),
        "batch_id": batch["_id"],
        "account_id": batch["account_id"],
        "index": index,
        "state": model.PENDING,
        "open": batch["_id"],
        "attempt": 0,
        "dispatch_n": 0,
        "crashes": 0,
        "renders": [render.SerializeToString() for render in plan.renders],
        "format": plan.renders[0].output.format,
        "input_type": plan.input_type,
        "template_id": plan.template_id,
        "data": row.data_json,
        "reference": item.reference,
        "filename": item.filename,
        "inline_data": item.inline_data,
        "warnings": list(item.warnings),
        "created_ms": batch["created_ms"],
        "schema": SCHEMA,
    }
    return _failed(document, row) if row.faults else document


def _failed(item: Document, row: CheckedRow) -> Document:
    """An item that ends before it begins: its row does not fit the template."""
    error = batch_pb2.ItemError(code=TEMPLATE_ERROR, message=row.sentence)
    del item["open"]
    return {**item, "state": model.FAILED, "errors": [error.SerializeToString()], "ended_ms": item["created_ms"]}

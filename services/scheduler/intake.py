"""Accepting a batch: checked, resolved, written invisibly, then committed in one step."""

from __future__ import annotations

from collections.abc import Callable

from pressline.batch.v1 import batch_pb2
from services.common import ids
from services.common.errors import PresslineError, Reason, invalid
from services.scheduler import checks, clock, model, views
from services.scheduler.plans import Plans
from services.scheduler.resolve import Plan, Resolver
from services.scheduler.store import idempotency
from services.scheduler.store.database import SCHEMA, Document
from services.scheduler.stores import Stores
from services.scheduler.templates import load_all

CHUNK = 500
CREATE_LEASE_MS = 30_000
BUSY_RETRY_SECONDS = 2.0


class Intake:
    """Creates batches.

    Args:
        stores: where they are kept.
        plans: what accounts may submit.
        waiting_batches: batches of one account that may wait for a place.
        result_days: how long results are kept.
        wake: called when there is something to dispatch.
    """

    def __init__(
        self, stores: Stores, plans: Plans, waiting_batches: int, result_days: float, wake: Callable[[], None]
    ) -> None:
        self._stores = stores
        self._plans = plans
        self._waiting_batches = waiting_batches
        self._kept_ms = int(result_days * clock.DAY_MS)
        self._wake = wake

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
        if not spec.HasField("idempotency"):
            return await self._create(account, spec, items, ids.new("batch"))
        return await self._create_once(account, spec, items)

    async def _create_once(
        self, account: Document, spec: batch_pb2.BatchSpec, items: list[batch_pb2.ItemSpec]
    ) -> batch_pb2.CreateBatchResponse:
        key, batch_id, now = spec.idempotency, ids.new("batch"), clock.now_ms()
        record_id = idempotency.record_id(account["_id"], key.scope, key.key)
        lease = now + CREATE_LEASE_MS
        earlier = await self._stores.idempotency.begin(record_id, key.fingerprint, batch_id, now, lease)
        if earlier is not None:
            if bytes(earlier["fingerprint"]) != key.fingerprint:
                raise PresslineError(
                    Reason.IDEMPOTENCY_KEY_REUSED, "This idempotency key was used with another request body."
                )
            if "response" in earlier:
                response = batch_pb2.CreateBatchResponse.FromString(earlier["response"])
                response.replayed = True
                return response
            if not await self._stores.idempotency.take_over(earlier, now, lease):
                raise PresslineError(
                    Reason.CONFLICT,
                    "A request with this idempotency key is still being worked on.",
                    retry_after=BUSY_RETRY_SECONDS,
                )
            batch_id = earlier["batch_id"]
        try:
            response = await self._create(account, spec, items, batch_id)
        except PresslineError:
            await self._stores.idempotency.forget(record_id)
            raise
        except Exception:
            # The same key may try again at once: it goes on with the same batch.
            await self._stores.idempotency.let_go(record_id)
            raise
        await self._stores.idempotency.finish(record_id, response.SerializeToString())
        return response

    async def _create(
        self, account: Document, spec: batch_pb2.BatchSpec, items: list[batch_pb2.ItemSpec], batch_id: str
    ) -> batch_pb2.CreateBatchResponse:
        await self._refuse_over_limits(account, len(items))
        resolver = await self._resolver(account["_id"], spec, items)
        plans = [self._plan(resolver, spec, item, index) for index, item in enumerate(items)]
        for source in resolver.sources.values():
            await self._stores.sources.put(account["_id"], source)
        batch = self._batch(account["_id"], spec, batch_id, resolver, plans)
        await self._write(batch, items, plans)
        self._wake()
        return views.created(batch)

    async def _refuse_over_limits(self, account: Document, count: int) -> None:
        allowed = self._plans.limits(account["plan"]).items_per_batch
        if count > allowed:
            raise PresslineError(
                Reason.PLAN_LIMIT_EXCEEDED,
                f"The {account['plan']} plan allows {allowed} items in a batch; this one has {count}.",
            )
        active = await self._stores.batches.active()
        mine = (batch for batch in active if batch["account_id"] == account["_id"])
        if sum(batch["state"] == model.PENDING for batch in mine) >= self._waiting_batches:
            raise PresslineError(
                Reason.RATE_LIMITED,
                f"{self._waiting_batches} batches of this account are waiting already.",
                retry_after=BUSY_RETRY_SECONDS,
            )

    async def _resolver(self, account_id: str, spec: batch_pb2.BatchSpec, items: list[batch_pb2.ItemSpec]) -> Resolver:
        sources = [spec.source, *(item.source for item in items)]
        named = {source.template_id for source in sources if source.template_id}
        return Resolver(account_id, list(spec.layouts), await load_all(self._stores.templates, account_id, named))

    @staticmethod
    def _plan(resolver: Resolver, spec: batch_pb2.BatchSpec, item: batch_pb2.ItemSpec, index: int) -> Plan:
        source = item.source if item.HasField("source") else spec.source
        output = item.output if item.HasField("output") else spec.output
        path = f"items[{index}]" if item.HasField("source") else "spec"
        return resolver.plan(source, output, has_data=bool(item.data_json), path=path)

    def _batch(
        self, account_id: str, spec: batch_pb2.BatchSpec, batch_id: str, resolver: Resolver, plans: list[Plan]
    ) -> Document:
        now, total = clock.now_ms(), len(plans)
        template = resolver.templates.get(spec.source.template_id)
        return {
            "_id": batch_id,
            "account_id": account_id,
            "dialect": spec.dialect,
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

    async def _write(self, batch: Document, items: list[batch_pb2.ItemSpec], plans: list[Plan]) -> None:
        batches = self._stores.batches
        if not await batches.insert_creating(batch) and not await batches.adopt_creating(
            batch["_id"], batch["lease_ms"]
        ):
            return  # An earlier try of this call committed it.
        for start in range(0, len(items), CHUNK):
            rows = range(start, min(start + CHUNK, len(items)))
            await self._stores.items.insert([_item(batch, index, items[index], plans[index]) for index in rows])
        if not await batches.commit(batch["_id"]) and await batches.get(batch["_id"]) is None:
            raise PresslineError(
                Reason.SERVICE_UNAVAILABLE, "The batch took too long to store; nothing was accepted.", retry_after=1
            )


def _item(batch: Document, index: int, item: batch_pb2.ItemSpec, plan: Plan) -> Document:
    return {
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
        "data": item.data_json,
        "reference": item.reference,
        "filename": item.filename,
        "inline_data": item.inline_data,
        "warnings": list(item.warnings),
        "created_ms": batch["created_ms"],
        "schema": SCHEMA,
    }

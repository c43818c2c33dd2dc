"""What would become of a batch, without storing anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pressline.batch.v1 import batch_pb2
from services.common.addresses import AllowList
from services.common.errors import Violation
from services.scheduler import checks
from services.scheduler.admission import over_plan
from services.scheduler.pace import Pace
from services.scheduler.plans import Plans
from services.scheduler.preparing import Prepared, Preparer
from services.scheduler.store.database import Document
from services.scheduler.usage import Meter

MAX_LISTED = 1_000
# Assumed where no renderer has done anything lately.
RENDERS_PER_SECOND = 10.0


class DryRun:
    """Checks batches as the intake does.

    Args:
        preparer: resolves items and checks their rows.
        plans: what accounts may submit.
        pace: how fast items have been ending.
        meter: knows what is left of the month.
        allow: webhook receivers that may be reached although their address is not public.
    """

    def __init__(self, preparer: Preparer, plans: Plans, pace: Pace, meter: Meter, allow: AllowList) -> None:
        self._preparer = preparer
        self._plans = plans
        self._pace = pace
        self._meter = meter
        self._allow = allow

    async def check(
        self, account: Document, spec: batch_pb2.BatchSpec, items: Sequence[batch_pb2.ItemSpec]
    ) -> batch_pb2.CheckBatchResponse:
        """Everything that is at fault with a batch, its rows included, and how long it would take."""
        faults = checks.batch(spec, list(items), self._allow)
        over = over_plan(self._plans, account, len(items))
        if over:
            faults.append(Violation("items", over))
        warnings = [f"items[{index}]: {warning}" for index, item in enumerate(items) for warning in item.warnings]
        seconds = 0.0
        # What is not well formed cannot be looked up.
        if all(fault.path == "items" for fault in faults):
            prepared = await self._preparer.prepare(account["_id"], spec, items)
            faults += [*prepared.violations, *prepared.row_violations]
            faults += [Violation("items", f"{name} cannot be rendered: {why}") for name, why in prepared.broken.items()]
            renders = sum(len(plan.renders) for plan in prepared.plans if plan is not None)
            if beyond := await self._meter.over(account, renders):
                faults.append(Violation("items", beyond))
            warnings += _unchecked(prepared)
            seconds = self._seconds(prepared)
        return batch_pb2.CheckBatchResponse(
            items=len(items),
            faults=[batch_pb2.Fault(path=fault.path, message=fault.message) for fault in faults[:MAX_LISTED]],
            warnings=warnings[:MAX_LISTED],
            estimated_seconds=seconds,
        )

    def _seconds(self, prepared: Prepared) -> float:
        renders = sum(
            len(plan.renders)
            for plan, row in zip(prepared.plans, prepared.rows, strict=True)
            if plan is not None and not row.faults
        )
        return round(renders / max(self._pace.per_second, RENDERS_PER_SECOND), 1)


def _unchecked(prepared: Prepared) -> Iterator[str]:
    for template_id in prepared.unchecked:
        yield f"The variables of {template_id} are not listed yet; its rows were checked against its declarations only."

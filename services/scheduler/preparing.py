"""What a submitted batch comes to: how each item is rendered, and whether its row fits its template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from pressline.batch.v1 import batch_pb2
from pressline.template.v1 import template_pb2
from services.common.errors import PresslineError, Violation
from services.scheduler import variables
from services.scheduler.inspecting import Inspecting, inspected_source
from services.scheduler.resolve import Plan, Resolver
from services.scheduler.rowcheck import CheckedRow, RowCheck
from services.scheduler.store.templates import Templates
from services.scheduler.templates import load_all


@dataclass(frozen=True)
class Prepared:
    """A batch, looked through.

    Attributes:
        resolver: holds the sources that its items need.
        plans: one per item; None where something that it names is not there.
        rows: one per item, filled in and checked.
        violations: everything that is not there.
        unchecked: templates whose variables no renderer has listed yet; their rows are checked as they are rendered.
        broken: templates that cannot be filled at all, with the reason; their items fail as they are rendered.
    """

    resolver: Resolver
    plans: list[Plan | None]
    rows: list[CheckedRow]
    violations: list[Violation]
    unchecked: list[str]
    broken: dict[str, str]

    @property
    def sound_plans(self) -> list[Plan]:
        """The plans of a batch that has no violations."""
        return [plan for plan in self.plans if plan is not None]

    @property
    def outputs(self) -> list[batch_pb2.OutputSpec]:
        """What renderers will be told to make, once for all items that share a plan."""
        plans = {id(plan): plan for plan in self.sound_plans}.values()
        return [render.output for plan in plans for render in plan.renders]

    @property
    def row_violations(self) -> list[Violation]:
        """What is wrong with rows, by paths in the request message."""
        return [
            Violation(f"items[{index}].data_json.{fault.path}", fault.message)
            for index, row in enumerate(self.rows)
            for fault in row.faults
        ]


class Preparer:
    """Looks through batches without storing anything."""

    def __init__(self, templates: Templates, inspecting: Inspecting) -> None:
        self._templates = templates
        self._inspecting = inspecting

    async def prepare(
        self,
        account_id: str,
        spec: batch_pb2.BatchSpec,
        items: Sequence[batch_pb2.ItemSpec],
        versions: Mapping[str, int] = MappingProxyType({}),
    ) -> Prepared:
        """Resolve every item and check its row. Nothing is refused: what is at fault is listed.

        Args:
            account_id: whose batch it is.
            spec: the batch without its items.
            items: its items.
            versions: of templates, by id, those to render; of any other the latest.
        """
        sources = [spec.source, *(item.source for item in items)]
        named = {source.template_id for source in sources if source.template_id}
        resolver = Resolver(
            account_id, list(spec.layouts), await load_all(self._templates, account_id, named, versions)
        )
        plans, violations = _plans(resolver, spec, items)
        checks = await self._checks(account_id, plans)
        rows = [
            checks[plan.template_id, plan.documents].check(item.data_json)
            if plan and plan.template
            else CheckedRow(item.data_json)
            for plan, item in zip(plans, items, strict=True)
        ]
        unchecked = sorted({template_id for (template_id, _), known in checks.items() if not known.whole})
        broken = {template_id: known.error for (template_id, _), known in checks.items() if known.error}
        return Prepared(resolver, plans, rows, violations, unchecked, broken)

    async def _checks(self, account_id: str, plans: Sequence[Plan | None]) -> dict[tuple[str, tuple[str, ...]], _Known]:
        """A check for each template and set of its documents that is rendered."""
        checks: dict[tuple[str, tuple[str, ...]], _Known] = {}
        for plan in plans:
            if plan and plan.template and (plan.template_id, plan.documents) not in checks:
                known = await self._known(account_id, plan.template.content, plan.documents)
                checks[plan.template_id, plan.documents] = known
        return checks

    async def _known(self, account_id: str, content: template_pb2.TemplateContent, documents: Sequence[str]) -> _Known:
        bodies = variables.documents(content)
        sources = [inspected_source(account_id, bodies[path]) for path in documents]
        found = await self._inspecting.known(account_id, {source.id: source for source in sources})
        listed = variables.merged(content, found.values())
        declared = {variable.name for variable in content.variables}
        check = RowCheck(
            [variable for variable in listed if variable.name in declared],
            listed,
            missing=content.missing != template_pb2.MISSING_POLICY_EMPTY,
        )
        error = next((inspection.error for inspection in found.values() if inspection.error), "")
        return _Known(check, whole=all(source.id in found for source in sources), error=error)


@dataclass(frozen=True)
class _Known:
    """The check that can be made of what is known, whether that is all, and why the template cannot be filled."""

    check: RowCheck
    whole: bool
    error: str


def _plans(
    resolver: Resolver, spec: batch_pb2.BatchSpec, items: Sequence[batch_pb2.ItemSpec]
) -> tuple[list[Plan | None], list[Violation]]:
    plans: list[Plan | None] = []
    # Items that share a fault share its path, when it is in the batch's defaults.
    violations: dict[Violation, None] = {}
    for index, item in enumerate(items):
        source = item.source if item.HasField("source") else spec.source
        output = item.output if item.HasField("output") else spec.output
        path = f"items[{index}]" if item.HasField("source") else "spec"
        try:
            plans.append(resolver.plan(source, output, has_data=bool(item.data_json), path=path))
        except PresslineError as error:
            plans.append(None)
            violations |= dict.fromkeys(error.violations)
    return plans, list(violations)

"""Submitting a batch, or only checking it: what the batch routes of all three APIs share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import TypeAdapter, ValidationError

from pressline.batch.v1 import batch_pb2
from services.common.errors import Violation, invalid
from services.gateway.models.answers.native import DryRun
from services.gateway.responses import Json, accepted
from services.gateway.routing import CallerScheduler, create_batch
from services.gateway.translate.chunks import messages
from services.gateway.translate.paths import Renames, rename

# For the description of the API.
DRY_RUN: dict[int | str, dict[str, Any]] = {200: {"description": "What a dry run found.", "model": DryRun}}
MAX_LISTED = 1000
# The lists of items that the batch routes take.
_ITEMS = ("items", "variableSets")
_FLAG: TypeAdapter[bool] = TypeAdapter(bool)


class Submission:
    """A call of a batch route, as a dependency of it."""

    def __init__(
        self,
        request: Request,
        scheduler: CallerScheduler,
        *,
        dry_run: Annotated[bool, Query(description="Check everything, render and store nothing.")] = False,
        reject_invalid: Annotated[
            bool, Query(description="Refuse the whole batch when a row does not fit its template.")
        ] = False,
    ) -> None:
        self._request = request
        self._scheduler = scheduler
        self._dry_run = dry_run
        self._reject_invalid = reject_invalid

    async def answer(
        self,
        spec: batch_pb2.BatchSpec,
        items: Iterable[batch_pb2.ItemSpec],
        renames: Renames,
        body: Callable[[batch_pb2.CreateBatchResponse], Any],
    ) -> Response:
        """202 with the created batch as `body` has it; for a dry run 200 with what was found.

        Raises:
            PresslineError: the batch is refused; fields at fault are named by `renames`, as in the request.
        """
        if self._dry_run:
            return await self._checked(spec, items, renames)
        spec.reject_invalid = self._reject_invalid
        created = await create_batch(self._request, self._scheduler, spec, items, renames)
        return accepted(body(created), replayed=created.replayed)

    async def _checked(
        self, spec: batch_pb2.BatchSpec, items: Iterable[batch_pb2.ItemSpec], renames: Renames
    ) -> Response:
        found = await self._scheduler.check_batch(
            [batch_pb2.CheckBatchRequest.FromString(each.SerializeToString()) for each in messages(spec, items)]
        )
        faults = [Violation(rename(fault.path, renames), fault.message) for fault in found.faults]
        missing = [fault for fault in faults if fault.path == "template"]
        if missing:  # Named by the route's own path, which is then a path to nothing.
            raise invalid(*missing)
        return _report(found.items, faults, found.warnings, found.estimated_seconds)


def refused_dry_run(request: Request, violations: Sequence[Violation]) -> Response | None:
    """The report of a dry run whose body does not get as far as the scheduler; None for any other request."""
    endpoint = request.scope.get("endpoint")
    if "submission" not in getattr(endpoint, "__annotations__", {}) or not _asks(request) or not violations:
        return None
    body = getattr(request.state, "body", None)
    lists = (body.get(name) for name in _ITEMS) if isinstance(body, dict) else ()
    return _report(next((len(each) for each in lists if isinstance(each, list)), 0), violations, (), 0)


def _asks(request: Request) -> bool:
    try:
        flags = [
            _FLAG.validate_python(request.query_params.get(name, "false")) for name in ("dry_run", "reject_invalid")
        ]
    except ValidationError:
        return False
    return flags[0]


def _report(items: int, faults: Sequence[Violation], warnings: Iterable[str], seconds: float) -> Json:
    return Json(
        {
            "valid": not faults,
            "items": items,
            "errors": [{"path": fault.path, "message": fault.message} for fault in faults[:MAX_LISTED]],
            "warnings": list(warnings),
            "estimated_seconds": seconds,
        }
    )

"""The scheduler's task service, as the worker calls it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable

import grpc
import structlog

from pressline.asset.v1 import asset_pb2
from pressline.task.v1 import task_pb2, task_pb2_grpc
from pressline.template.v1 import template_pb2
from services.common.errors import PresslineError, Reason
from services.common.rpc_errors import translated

EXTEND_SECONDS = 8.0
RELEASE_SECONDS = 2.0
# How long an ended item's report is repeated while the scheduler is away; after that the lease
# runs out, and the item is rendered again.
REPORT_SECONDS = 120.0
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 8.0
# Refusals that another try may turn into success.
_PASSING = (Reason.SERVICE_UNAVAILABLE, Reason.INTERNAL_ERROR, Reason.RATE_LIMITED)
log = structlog.get_logger()


def may_pass(error: PresslineError) -> bool:
    """Whether the call may succeed later."""
    return error.reason in _PASSING


class Tasks:
    """Calls of one worker. Every method raises PresslineError.

    Args:
        channel: to the scheduler's internal listener.
        worker: this renderer's name, for people.
    """

    def __init__(self, channel: grpc.aio.Channel, worker: str) -> None:
        self._stub = task_pb2_grpc.TaskServiceStub(channel)
        self._worker = worker

    async def claim(self, item_id: str) -> task_pb2.ClaimTaskResponse:
        """Lease an item. A scheduler that dies over it is asked again, which is what the token is for."""
        token = secrets.token_urlsafe(16)
        request = task_pb2.ClaimTaskRequest(item_id=item_id, worker=self._worker, token=token)
        return await translated(self._stub.ClaimTask(request))

    async def source(self, source_id: str) -> task_pb2.SourceDocument:
        """Read a source."""
        return await translated(self._stub.GetSource(task_pb2.GetSourceRequest(source_id=source_id)))

    async def asset_set(self, asset_set_id: str) -> asset_pb2.AssetSet:
        """Read a set of assets."""
        return await translated(self._stub.GetAssetSet(task_pb2.GetAssetSetRequest(asset_set_id=asset_set_id)))

    async def extend(self, lease: task_pb2.Lease) -> None:
        """Prolong a lease."""
        await translated(self._stub.ExtendTask(task_pb2.ExtendTaskRequest(lease=lease), timeout=EXTEND_SECONDS))

    async def complete(self, request: task_pb2.CompleteTaskRequest) -> None:
        """Report outputs, repeatedly while the scheduler is away."""
        await repeated(lambda: translated(self._stub.CompleteTask(request)))

    async def fail(self, request: task_pb2.FailTaskRequest) -> None:
        """Report failure, repeatedly while the scheduler is away."""
        await repeated(lambda: translated(self._stub.FailTask(request)))

    async def report_inspection(self, source_id: str, inspection: template_pb2.Inspection) -> None:
        """Report a source's variables, repeatedly while the scheduler is away."""
        request = task_pb2.ReportInspectionRequest(source_id=source_id, inspection=inspection)
        await repeated(lambda: translated(self._stub.ReportInspection(request)))

    async def release(self, lease: task_pb2.Lease, reason: str, *, crashed: bool) -> None:
        """Give a lease back. Tried once: a lease that is not given back runs out."""
        request = task_pb2.ReleaseTaskRequest(lease=lease, reason=reason, crashed=crashed)
        await translated(self._stub.ReleaseTask(request, timeout=RELEASE_SECONDS))


async def repeated(call: Callable[[], Awaitable[object]]) -> None:
    """Make a reporting call until it gets through, is refused for good, or has been tried for two minutes."""
    deadline = asyncio.get_running_loop().time() + REPORT_SECONDS
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            await call()
            return
        except PresslineError as error:
            if not may_pass(error) or asyncio.get_running_loop().time() > deadline:
                raise
            log.warning("report.repeated", error=error.message)
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

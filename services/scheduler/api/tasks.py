"""pressline.task.v1.TaskService."""

from __future__ import annotations

from typing import Any

import grpc

from pressline.asset.v1 import asset_pb2
from pressline.task.v1 import task_pb2, task_pb2_grpc
from services.common.errors import Violation, invalid, not_found
from services.scheduler.inspecting import Inspecting
from services.scheduler.store.assets import AssetSets
from services.scheduler.store.items import Fence
from services.scheduler.store.templates import Sources
from services.scheduler.tasks import Tasks

Context = grpc.aio.ServicerContext[Any, Any]


class TaskService(task_pb2_grpc.TaskServiceServicer):
    """Work for renderers."""

    def __init__(self, tasks: Tasks, sources: Sources, inspecting: Inspecting, asset_sets: AssetSets) -> None:
        self._tasks = tasks
        self._inspecting = inspecting
        self._sources = sources
        self._asset_sets = asset_sets

    async def ClaimTask(self, request: task_pb2.ClaimTaskRequest, _context: Context) -> task_pb2.ClaimTaskResponse:
        """Lease an item."""
        return await self._tasks.claim(request.item_id, request.worker, request.token)

    async def ExtendTask(self, request: task_pb2.ExtendTaskRequest, _context: Context) -> task_pb2.ExtendTaskResponse:
        """Prolong a lease."""
        response = task_pb2.ExtendTaskResponse()
        response.lease_duration.FromMilliseconds(await self._tasks.extend(_fence(request.lease)))
        return response

    async def CompleteTask(
        self, request: task_pb2.CompleteTaskRequest, _context: Context
    ) -> task_pb2.CompleteTaskResponse:
        """Record success."""
        duration, upload = request.render_duration.ToMilliseconds(), request.upload_duration.ToMilliseconds()
        fence = _fence(request.lease)
        await self._tasks.end(fence, request.outputs, (), request.warnings, duration, upload_ms=upload)
        return task_pb2.CompleteTaskResponse()

    async def FailTask(self, request: task_pb2.FailTaskRequest, _context: Context) -> task_pb2.FailTaskResponse:
        """Record failure."""
        if not request.errors:
            raise invalid(Violation("errors", "has at least one entry"))
        duration, upload = request.render_duration.ToMilliseconds(), request.upload_duration.ToMilliseconds()
        fence, shots = _fence(request.lease), request.screenshots
        await self._tasks.end(fence, request.outputs, request.errors, request.warnings, duration, shots, upload)
        return task_pb2.FailTaskResponse()

    async def ReleaseTask(
        self, request: task_pb2.ReleaseTaskRequest, _context: Context
    ) -> task_pb2.ReleaseTaskResponse:
        """Take an item back."""
        await self._tasks.hand_back(_fence(request.lease), request.reason, crashed=request.crashed)
        return task_pb2.ReleaseTaskResponse()

    async def GetSource(self, request: task_pb2.GetSourceRequest, _context: Context) -> task_pb2.SourceDocument:
        """A source by its id."""
        source = await self._sources.get(request.source_id)
        if source is None:
            raise not_found("source", request.source_id)
        return source

    async def GetAssetSet(self, request: task_pb2.GetAssetSetRequest, _context: Context) -> asset_pb2.AssetSet:
        """A set of assets by its id."""
        found = await self._asset_sets.get(request.asset_set_id)
        if found is None:
            raise not_found("set of assets", request.asset_set_id)
        return found

    async def ReportInspection(
        self, request: task_pb2.ReportInspectionRequest, _context: Context
    ) -> task_pb2.ReportInspectionResponse:
        """Keep what a source's variables are."""
        await self._inspecting.report(request.source_id, request.inspection)
        return task_pb2.ReportInspectionResponse()


def _fence(lease: task_pb2.Lease) -> Fence:
    return Fence(lease.item_id, lease.attempt, lease.token)

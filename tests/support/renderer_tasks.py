"""A task service that offers one test's items and notes what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pressline.asset.v1 import asset_pb2
from pressline.task.v1 import task_pb2, task_pb2_grpc
from services.common import rpc
from services.common.errors import PresslineError, Reason
from tests.support.ports import free_port
from tests.support.scheduler import TOKEN


class Desk(task_pb2_grpc.TaskServiceServicer):
    """Answers claims with `tasks`; every other call is appended to `told` as (method, request)."""

    def __init__(self) -> None:
        self.tasks: dict[str, task_pb2.ClaimTaskResponse] = {}
        self.sources: dict[str, task_pb2.SourceDocument] = {}
        self.asset_sets: dict[str, asset_pb2.AssetSet] = {}
        self.told: list[tuple[str, Any]] = []
        self.failures: dict[str, list[PresslineError]] = {}
        self._news = asyncio.Event()

    def offer(self, item_id: str, *renders: task_pb2.Render, data: bytes = b"{}", attempt: int = 1) -> None:
        lease = task_pb2.Lease(item_id=item_id, attempt=attempt, token="token")
        task = task_pb2.Task(lease=lease, batch_id="batch", account_id="account", renders=renders, data_json=data)
        self.tasks[item_id] = task_pb2.ClaimTaskResponse(task=task)

    def methods(self) -> list[str]:
        return [method for method, _ in self.told]

    @property
    def last(self) -> tuple[str, Any]:
        """The last thing that it was told, but for extensions of leases: those may come in late."""
        return [each for each in self.told if each[0] != "extend"][-1]

    async def wait_for(self, method: str, count: int = 1, seconds: float = 60) -> None:
        """Until the method was called so often."""
        async with asyncio.timeout(seconds):
            while self.methods().count(method) < count:
                self._news.clear()
                await self._news.wait()

    async def ClaimTask(self, request: Any, _context: Any) -> Any:  # noqa: N802 - the contract's name
        self._note("claim", request)
        nothing = task_pb2.ClaimTaskResponse(nothing_to_do=task_pb2.NothingToDo(reason="unknown"))
        return self.tasks.get(request.item_id, nothing)

    async def GetSource(self, request: Any, _context: Any) -> Any:  # noqa: N802 - the contract's name
        self._note("source", request)
        if request.source_id not in self.sources:
            raise PresslineError(Reason.NOT_FOUND, "no such source")
        return self.sources[request.source_id]

    async def GetAssetSet(self, request: Any, _context: Any) -> Any:  # noqa: N802 - the contract's name
        self._note("asset set", request)
        if request.asset_set_id not in self.asset_sets:
            raise PresslineError(Reason.NOT_FOUND, "no such set")
        return self.asset_sets[request.asset_set_id]

    async def ExtendTask(self, request: Any, _context: Any) -> Any:  # noqa: N802 - the contract's name
        self._note("extend", request)
        return task_pb2.ExtendTaskResponse()

    async def CompleteTask(self, request: Any, _context: Any) -> Any:  # noqa: N802 - the contract's name
        self._note("complete", request)
        return task_pb2.CompleteTaskResponse()

    async def FailTask(self, request: Any, _context: Any) -> Any:  # noqa: N802 - the contract's name
        self._note("fail", request)
        return task_pb2.FailTaskResponse()

    async def ReleaseTask(self, request: Any, _context: Any) -> Any:  # noqa: N802 - the contract's name
        self._note("release", request)
        return task_pb2.ReleaseTaskResponse()

    async def ReportInspection(self, request: Any, _context: Any) -> Any:  # noqa: N802 - the contract's name
        self._note("inspection", request)
        return task_pb2.ReportInspectionResponse()

    def _note(self, method: str, request: Any) -> None:
        self.told.append((method, request))
        self._news.set()
        if self.failures.get(method):
            raise self.failures[method].pop(0)


@asynccontextmanager
async def serving_desk() -> AsyncIterator[tuple[Desk, str]]:
    """A desk on a listener of its own, and its address."""
    desk, server = Desk(), rpc.Server(f"127.0.0.1:{free_port()}", TOKEN)
    task_pb2_grpc.add_TaskServiceServicer_to_server(desk, server.grpc)
    await server.start()
    try:
        yield desk, server.address
    finally:
        await server.stop(0)

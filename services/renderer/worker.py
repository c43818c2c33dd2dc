"""What happens to one job message: claim, render, store, report."""

from __future__ import annotations

import asyncio
import hashlib
import time
from datetime import timedelta

import structlog
from google.protobuf.message import DecodeError

from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from services.common.blobs import BLOB_ERRORS, BlobStore
from services.common.consumer import Again, Done, Verdict
from services.common.errors import PresslineError, Reason
from services.renderer.assets import ItemAssets, Shelf
from services.renderer.engine import environment
from services.renderer.engine.engine import Engine
from services.renderer.engine.model import (
    BrowserCrashedError,
    BrowserUnavailableError,
    Budget,
    ErrorCode,
    Job,
    Rendered,
    RenderError,
)
from services.renderer.inspector import Inspector
from services.renderer.sources import Sources
from services.renderer.tasks import Tasks, may_pass

EXTEND_EVERY_SECONDS = 10.0
UNREACHABLE_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 60.0
log = structlog.get_logger()


class _HandedBackError(Exception):
    """The item is given back: something beside it is at fault, or it crashed its browser."""

    def __init__(self, reason: str, *, crashed: bool = False) -> None:
        super().__init__(reason)
        self.crashed = crashed


class Worker:
    """Handles job messages, any number at once.

    Args:
        tasks: the scheduler.
        sources: the documents to fill.
        engine: renders.
        blobs: takes the outputs.
        item_seconds: rendering time of an item, all its layouts together.
        extend_every: seconds between two extensions of a lease.
    """

    def __init__(
        self,
        tasks: Tasks,
        sources: Sources,
        engine: Engine,
        blobs: BlobStore,
        item_seconds: float,
        extend_every: float = EXTEND_EVERY_SECONDS,
    ) -> None:
        self._tasks = tasks
        self._sources = sources
        self._engine = engine
        self._inspector = Inspector(tasks, sources, engine)
        self._blobs = blobs
        self._shelf = Shelf(tasks, blobs)
        self._item_seconds = item_seconds
        self._extend_every = extend_every

    async def handle(self, payload: bytes) -> Verdict:
        """Do what a message asks for; the verdict says what becomes of the message."""
        try:
            reference = task_pb2.TaskRef.FromString(payload)
        except DecodeError:
            log.exception("message.unreadable")
            return Done()
        if reference.inspect_source_id:
            return await self._inspector.handle(reference.inspect_source_id)
        return await self._claim_and_work(reference.item_id)

    async def _claim_and_work(self, item_id: str) -> Verdict:
        try:
            answer = await self._tasks.claim(item_id)
        except PresslineError as error:
            log.warning("claim.failed", item=item_id, error=error.message)
            return Again(UNREACHABLE_PAUSE_SECONDS)
        match answer.WhichOneof("outcome"):
            case "task":
                return await self._work(answer.task)
            case "leased_elsewhere":
                return Again(max(answer.leased_elsewhere.remaining.ToTimedelta().total_seconds(), 1))
        return Done()

    async def _work(self, task: task_pb2.Task) -> Verdict:
        """Render and report while the lease lasts."""
        lease = task.lease
        structlog.contextvars.bind_contextvars(batch=task.batch_id, item=lease.item_id, attempt=lease.attempt)
        rendering = asyncio.create_task(self._render_and_report(task))
        extending = asyncio.create_task(self._extend(lease))
        try:
            await asyncio.wait({rendering, extending}, return_when=asyncio.FIRST_COMPLETED)
            if rendering.done():
                return rendering.result()
            log.info("render.stopped", reason="the lease is not ours any more")
            return Done()
        except asyncio.CancelledError:
            await _stop(rendering)
            await self._release(lease, "the renderer shuts down", crashed=False)
            raise
        finally:
            await _stop(rendering)
            await _stop(extending)

    async def _extend(self, lease: task_pb2.Lease) -> None:
        """Prolong the lease until that is refused. A scheduler that is away may be back in time."""
        while True:
            await asyncio.sleep(self._extend_every)
            try:
                await self._tasks.extend(lease)
            except PresslineError as error:
                if not may_pass(error):
                    return
                log.warning("lease.not_extended", error=error.message)

    async def _render_and_report(self, task: task_pb2.Task) -> Verdict:
        lease, started = task.lease, time.monotonic()
        try:
            assets = await self._assets_of(task)
            outputs, errors = await self._render_all(task, assets)
        except _HandedBackError as error:
            await self._release(lease, str(error), crashed=error.crashed)
            return Again(min(2.0**lease.attempt, LONGEST_PAUSE_SECONDS))
        try:
            await self._report(lease, outputs, errors, assets.warnings, timedelta(seconds=time.monotonic() - started))
        except PresslineError as error:
            log.warning("report.refused", reason=error.reason, error=error.message)
            return Again(UNREACHABLE_PAUSE_SECONDS) if may_pass(error) else Done()
        return Done()

    async def _assets_of(self, task: task_pb2.Task) -> ItemAssets:
        try:
            return await self._shelf.of(task.asset_set_id)
        except PresslineError as error:
            raise _HandedBackError(f"the assets cannot be read: {error.message}") from error

    async def _render_all(
        self, task: task_pb2.Task, assets: ItemAssets
    ) -> tuple[list[task_pb2.StoredOutput], list[batch_pb2.ItemError]]:
        budget = Budget(self._item_seconds)
        outputs: list[task_pb2.StoredOutput] = []
        errors: list[batch_pb2.ItemError] = []
        for render in task.renders:
            try:
                rendered = await self._render(task, render, assets, budget)
                outputs.append(await self._store(render, rendered))
            except RenderError as error:
                log.info("render.failed", layout=render.layout, code=error.code, error=error.message)
                errors.append(batch_pb2.ItemError(code=error.code, message=error.message, layout=render.layout))
        return outputs, errors

    async def _render(
        self, task: task_pb2.Task, render: task_pb2.Render, assets: ItemAssets, budget: Budget
    ) -> Rendered:
        try:
            source = await self._sources.get(render.source_id)
            job = Job(task.account_id, source, task.data_json, render.output, environment.of_task(task), assets)
            rendered = await self._engine.render(job, budget)
        except RenderError as error:
            if assets.failure:
                raise _HandedBackError(assets.failure) from error
            raise
        except BrowserCrashedError as error:
            raise _HandedBackError(str(error), crashed=True) from error
        except BrowserUnavailableError as error:
            raise _HandedBackError(f"no browser starts: {error}") from error
        except PresslineError as error:
            if error.reason is Reason.NOT_FOUND:
                raise RenderError(ErrorCode.INTERNAL_ERROR, "The document to render is not stored any more.") from error
            raise _HandedBackError(f"the document cannot be read: {error.message}") from error
        except Exception as error:
            log.exception("render.broken")
            raise RenderError(ErrorCode.INTERNAL_ERROR, "The renderer failed; the failure is logged.") from error
        if assets.failure:
            raise _HandedBackError(assets.failure)
        return rendered

    async def _store(self, render: task_pb2.Render, rendered: Rendered) -> task_pb2.StoredOutput:
        try:
            await self._blobs.put(render.object_key, rendered.data, rendered.content_type)
        except BLOB_ERRORS as error:
            raise _HandedBackError(f"the output cannot be stored: {error}") from error
        output = batch_pb2.Output(
            layout=render.layout,
            format=render.output.format,
            width=rendered.width,
            height=rendered.height,
            pages=rendered.pages,
            size_bytes=len(rendered.data),
            sha256=hashlib.sha256(rendered.data).hexdigest(),
        )
        return task_pb2.StoredOutput(object_key=render.object_key, output=output)

    async def _report(
        self,
        lease: task_pb2.Lease,
        outputs: list[task_pb2.StoredOutput],
        errors: list[batch_pb2.ItemError],
        warnings: list[str],
        duration: timedelta,
    ) -> None:
        if errors:
            failure = task_pb2.FailTaskRequest(lease=lease, errors=errors, outputs=outputs, warnings=warnings)
            failure.render_duration.FromTimedelta(duration)
            await self._tasks.fail(failure)
        else:
            success = task_pb2.CompleteTaskRequest(lease=lease, outputs=outputs, warnings=warnings)
            success.render_duration.FromTimedelta(duration)
            await self._tasks.complete(success)

    async def _release(self, lease: task_pb2.Lease, reason: str, *, crashed: bool) -> None:
        log.warning("item.handed_back", reason=reason, crashed=crashed)
        try:
            await self._tasks.release(lease, reason, crashed=crashed)
        except PresslineError as error:
            log.warning("release.failed", error=error.message)


async def _stop(task: asyncio.Task[object] | asyncio.Task[Verdict] | asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})

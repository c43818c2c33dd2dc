"""What happens to one job message: claim, render, store, report."""

from __future__ import annotations

import hashlib
import time
from datetime import timedelta
from functools import partial

import structlog
from google.protobuf.message import DecodeError

from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from services.common.blobs import BLOB_ERRORS, BlobStore
from services.common.consumer import Again, Done, Verdict
from services.common.errors import PresslineError, Reason
from services.common.failpoints import Failpoint, failpoint
from services.renderer import screenshots, warnings
from services.renderer.assets import Shelf
from services.renderer.egress.egress import Egress
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
from services.renderer.leases import (
    EXTEND_EVERY_SECONDS,
    UNREACHABLE_PAUSE_SECONDS,
    HandedBackError,
    later,
    while_held,
)
from services.renderer.outcome import Outcome
from services.renderer.sources import Sources
from services.renderer.supplies import Supplies
from services.renderer.tasks import Tasks, may_pass
from services.renderer.turns import Turns

log = structlog.get_logger()


class Worker:
    """Handles job messages, any number at once.

    Args:
        tasks: the scheduler.
        sources: the documents to fill.
        engine: renders.
        blobs: takes the outputs.
        item_seconds: rendering time of an item, all its layouts together.
        egress: loads what documents refer to elsewhere; None where they may load nothing from there.
        extend_every: seconds between two extensions of a lease.
    """

    def __init__(
        self,
        tasks: Tasks,
        sources: Sources,
        engine: Engine,
        blobs: BlobStore,
        item_seconds: float,
        egress: Egress | None = None,
        extend_every: float = EXTEND_EVERY_SECONDS,
    ) -> None:
        self._tasks = tasks
        self._sources = sources
        self._engine = engine
        self._inspector = Inspector(tasks, sources, engine)
        self._blobs = blobs
        self._shelf = Shelf(tasks, blobs)
        self._turns = Turns()
        self._item_seconds = item_seconds
        self._egress = egress
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
        async with self._turns.together():
            task = await self._claim(item_id)
            if not isinstance(task, task_pb2.Task):
                return task
            if not task.alone:
                return await self._work(task)
            # Should this be what ends renderers, nothing else is to be under a lease of this one when it does.
            await self._release(task.lease, "nothing else may be rendered beside it", crashed=False)
        async with self._turns.alone():
            task = await self._claim(item_id)
            return await self._work(task) if isinstance(task, task_pb2.Task) else task

    async def _claim(self, item_id: str) -> task_pb2.Task | Verdict:
        failpoint(Failpoint.CLAIM_FETCHED)
        try:
            answer = await self._tasks.claim(item_id)
        except PresslineError as error:
            log.warning("claim.failed", item=item_id, error=error.message)
            return Again(UNREACHABLE_PAUSE_SECONDS)
        match answer.WhichOneof("outcome"):
            case "task":
                return answer.task
            case "leased_elsewhere":
                return Again(max(answer.leased_elsewhere.remaining.ToTimedelta().total_seconds(), 1))
        return Done()

    async def _work(self, task: task_pb2.Task) -> Verdict:
        """Render and report while the lease lasts."""
        failpoint(Failpoint.CLAIM_ANSWERED)
        lease = task.lease
        structlog.contextvars.bind_contextvars(batch=task.batch_id, item=lease.item_id, attempt=lease.attempt)
        return await while_held(
            self._render_and_report(task),
            partial(self._tasks.extend, lease),
            partial(self._release, lease, "the renderer shuts down", crashed=False),
            self._extend_every,
        )

    async def _render_and_report(self, task: task_pb2.Task) -> Verdict:
        lease, started = task.lease, time.monotonic()
        try:
            supplies = await self._supplies_of(task)
            outcome = await self._render_all(task, supplies)
        except HandedBackError as error:
            await self._release(lease, str(error), crashed=error.crashed)
            return later(lease.attempt)
        try:
            told = warnings.of_item(supplies.warnings, outcome.warnings)
            await self._report(lease, outcome, told, timedelta(seconds=time.monotonic() - started))
        except PresslineError as error:
            log.warning("report.refused", reason=error.reason, error=error.message)
            return Again(UNREACHABLE_PAUSE_SECONDS) if may_pass(error) else Done()
        failpoint(Failpoint.COMPLETE_REPORTED)
        return Done()

    async def _supplies_of(self, task: task_pb2.Task) -> Supplies:
        try:
            assets = await self._shelf.of(task.asset_set_id)
        except PresslineError as error:
            raise HandedBackError(f"the assets cannot be read: {error.message}") from error
        return Supplies(assets, self._egress.of(task.batch_id, task.egress) if self._egress else None)

    async def _render_all(self, task: task_pb2.Task, supplies: Supplies) -> Outcome:
        budget, outcome = Budget(self._item_seconds), Outcome()
        for render in task.renders:
            try:
                rendered = await self._render(task, render, supplies, budget)
                began = time.monotonic()
                outcome.made(await self._store(render, rendered), rendered.warnings)
                outcome.upload_seconds += time.monotonic() - began
            except RenderError as error:
                log.info("render.failed", layout=render.layout, code=error.code, error=error.message)
                outcome.failed(render.layout, error, await screenshots.kept(self._blobs, render, error))
        return outcome

    async def _render(
        self, task: task_pb2.Task, render: task_pb2.Render, supplies: Supplies, budget: Budget
    ) -> Rendered:
        try:
            source = await self._sources.get(render.source_id)
            rendered = await self._engine.render(_job(task, source, render, supplies), budget)
        except RenderError as error:
            if supplies.assets.failure:
                raise HandedBackError(supplies.assets.failure) from error
            raise
        except BrowserCrashedError as error:
            raise HandedBackError(str(error), crashed=True) from error
        except BrowserUnavailableError as error:
            raise HandedBackError(f"no browser starts: {error}") from error
        except PresslineError as error:
            if error.reason is Reason.NOT_FOUND:
                raise RenderError(ErrorCode.INTERNAL_ERROR, "The document to render is not stored any more.") from error
            raise HandedBackError(f"the document cannot be read: {error.message}") from error
        except Exception as error:
            log.exception("render.broken")
            raise RenderError(ErrorCode.INTERNAL_ERROR, "The renderer failed; the failure is logged.") from error
        if supplies.assets.failure:
            raise HandedBackError(supplies.assets.failure)
        return rendered

    async def _store(self, render: task_pb2.Render, rendered: Rendered) -> task_pb2.StoredOutput:
        failpoint(Failpoint.STORE_RENDERED)
        try:
            await self._blobs.put(render.object_key, rendered.data, rendered.content_type)
        except BLOB_ERRORS as error:
            raise HandedBackError(f"the output cannot be stored: {error}") from error
        failpoint(Failpoint.STORE_PUT)
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

    async def _report(self, lease: task_pb2.Lease, outcome: Outcome, told: list[str], duration: timedelta) -> None:
        outputs, upload = outcome.outputs, timedelta(seconds=outcome.upload_seconds)
        if outcome.errors:
            failure = task_pb2.FailTaskRequest(lease=lease, errors=outcome.errors, outputs=outputs, warnings=told)
            failure.screenshots.extend(outcome.screenshots)
            failure.render_duration.FromTimedelta(duration)
            failure.upload_duration.FromTimedelta(upload)
            await self._tasks.fail(failure)
        else:
            success = task_pb2.CompleteTaskRequest(lease=lease, outputs=outputs, warnings=told)
            success.render_duration.FromTimedelta(duration)
            success.upload_duration.FromTimedelta(upload)
            await self._tasks.complete(success)

    async def _release(self, lease: task_pb2.Lease, reason: str, *, crashed: bool) -> None:
        log.warning("item.handed_back", reason=reason, crashed=crashed)
        try:
            await self._tasks.release(lease, reason, crashed=crashed)
        except PresslineError as error:
            log.warning("release.failed", error=error.message)


def _job(task: task_pb2.Task, source: task_pb2.SourceDocument, render: task_pb2.Render, supplies: Supplies) -> Job:
    return Job(
        task.account_id,
        source,
        task.data_json,
        render.output,
        environment.of_task(task),
        supplies.assets,
        supplies.remote,
        accept=supplies.require_all if task.environment.assets_required else None,
    )

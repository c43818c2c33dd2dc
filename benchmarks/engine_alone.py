"""The engine of a renderer, with its sizes and in a process of its own, without anything around it."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager

import structlog
import uvloop

from benchmarks.cases import QUALITY, Case
from benchmarks.contestants import Child, Maker, Turn, at_once, in_own_process
from pressline.batch.v1 import batch_pb2
from pressline.batch.v1.batch_pb2 import ImageOptions, OutputSpec, PdfOptions
from pressline.task.v1.task_pb2 import SourceDocument
from services.renderer.app import running_engine
from services.renderer.engine.browser import Launcher
from services.renderer.engine.engine import Engine
from services.renderer.engine.model import Budget, Job
from services.renderer.engine.processes import adopt_orphans
from services.renderer.engine.workspace import Workspace
from services.renderer.settings import RendererSettings

ITEM_SECONDS = 120
_UNUSED = {"service_token": "unused", "s3_access_key": "unused", "s3_secret_key": "unused"}


def engine_in_own_process() -> AbstractContextManager[Child]:
    """An engine in a process of its own, on the event loop that a renderer has."""
    return in_own_process(engine_alone, uvloop.run)


@asynccontextmanager
async def engine_alone() -> AsyncIterator[Maker]:
    """An engine that makes as many files at once as a renderer does."""
    async with engine_at_once() as (engine, many):

        async def make(case: Case, count: int) -> Turn:
            jobs = jobs_of(case, count)

            async def render(number: int) -> bytes:
                return (await engine.render(jobs[number], Budget(ITEM_SECONDS))).data

            return await at_once(many, count, render)

        yield make


@asynccontextmanager
async def engine_at_once() -> AsyncIterator[tuple[Engine, int]]:
    """The engine as a renderer runs it, and how many items that gives it at once."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    adopt_orphans()
    settings = renderer_settings()
    async with running_engine(settings) as engine:
        yield engine, settings.renderer_browsers * settings.renderer_pages


@asynccontextmanager
async def launching() -> AsyncIterator[Launcher]:
    """What starts browsers as a renderer's are."""
    settings, workspace = renderer_settings(), Workspace()
    launcher = Launcher(
        settings.chromium, workspace, sandbox=settings.chromium_sandbox, memory_mb=settings.renderer_browser_memory_mb
    )
    try:
        await launcher.start()
        yield launcher
    finally:
        await launcher.close()
        workspace.close()


def renderer_settings() -> RendererSettings:
    """A renderer's settings, as far as its engine reads them."""
    return RendererSettings.model_validate(_UNUSED)


def jobs_of(case: Case, count: int) -> list[Job]:
    """The rows of a case as a batch of its own."""
    kind = SourceDocument.KIND_REACT if case.react else SourceDocument.KIND_HANDLEBARS_STRICT
    source = SourceDocument(id=case.document, kind=kind, body=case.source)
    output = output_of(case)
    return [Job("benchmark", source, json.dumps(row).encode(), output) for row in case.rows(count)]


def output_of(case: Case) -> OutputSpec:
    """What a case asks for."""
    if case.format == "pdf":
        return OutputSpec(format=batch_pb2.FORMAT_PDF, pdf=PdfOptions())
    image = ImageOptions(width=case.width, height=case.height, quality=QUALITY / 100)
    return OutputSpec(format=batch_pb2.Format.Value(f"FORMAT_{case.format.upper()}"), image=image)

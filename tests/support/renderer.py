"""The rendering engine under test, and what its tests ask of it."""

from __future__ import annotations

import io
import itertools
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psutil
from PIL import Image

from pressline.batch.v1 import batch_pb2
from pressline.batch.v1.batch_pb2 import FORMAT_PDF, FORMAT_PNG, ImageOptions, OutputSpec, PdfOptions
from pressline.task.v1.task_pb2 import SourceDocument
from services.renderer.engine.browser import Launcher
from services.renderer.engine.engine import Engine
from services.renderer.engine.model import NEUTRAL, Budget, Environment, Job, Rendered
from services.renderer.engine.processes import adopt_orphans
from services.renderer.engine.workspace import Workspace

STRICT = SourceDocument.KIND_HANDLEBARS_STRICT
LENIENT = SourceDocument.KIND_HANDLEBARS_LENIENT
HTML = SourceDocument.KIND_HTML
_ids = itertools.count()
Pixel = tuple[int, int, int]


def chromium() -> str:
    found = os.environ.get("PRESSLINE_CHROMIUM") or shutil.which("chromium-headless-shell")
    assert found, "these tests need Chromium"
    return found


@asynccontextmanager
async def running_engine(
    browsers: int = 1, pages: int = 2, recycle: int = 1000, memory_mb: int = 2048
) -> AsyncIterator[Engine]:
    adopt_orphans()
    workspace = Workspace()
    launcher = Launcher(chromium(), workspace, sandbox=True, memory_mb=memory_mb)
    engine = Engine(launcher, browsers=browsers, pages=pages, recycle_after=recycle)
    try:
        await launcher.start()
        yield engine
    finally:
        await engine.close()
        await launcher.close()
        workspace.close()


def source(body: str, kind: SourceDocument.Kind.ValueType = HTML, styles: str = "") -> SourceDocument:
    return SourceDocument(id=f"source-{next(_ids)}", kind=kind, body=body, styles=styles)


def image(
    width: int = 200,
    height: int = 100,
    scale: float = 1,
    format_: batch_pb2.Format.ValueType = FORMAT_PNG,
    quality: float = 0,
) -> OutputSpec:
    options = ImageOptions(width=width, height=height, device_scale_factor=scale, quality=quality)
    return OutputSpec(format=format_, image=options)


def pdf(**options: str | bool) -> OutputSpec:
    return OutputSpec(format=FORMAT_PDF, pdf=PdfOptions(**options))  # type: ignore[arg-type]


async def render(
    engine: Engine,
    document: SourceDocument | str,
    output: OutputSpec | None = None,
    data: str = "{}",
    account: str = "account",
    seconds: float = 120,
    where: Environment = NEUTRAL,
) -> Rendered:
    document = source(document) if isinstance(document, str) else document
    return await engine.render(Job(account, document, data.encode(), output or image(), where), Budget(seconds))


def picture(rendered: Rendered) -> Image.Image:
    return Image.open(io.BytesIO(rendered.data)).convert("RGB")


def pixel(rendered: Rendered, x: int, y: int) -> Pixel:
    value = picture(rendered).getpixel((x, y))
    assert isinstance(value, tuple)
    return (int(value[0]), int(value[1]), int(value[2]))


def chromium_processes() -> list[psutil.Process]:
    """Every Chromium that this process runs, with its own processes.

    Those of a stack that the session runs beneath this process are not among them.
    """
    browsers = started_here("headless-shell")
    beneath = [process for browser in browsers for process in browser.children(recursive=True)]
    return [*browsers, *_with_word(beneath, "headless-shell")]


def started_here(word: str) -> list[psutil.Process]:
    """Processes that this very process has started, by a word of their command."""
    return _with_word(psutil.Process().children(), word)


def _with_word(processes: list[psutil.Process], word: str) -> list[psutil.Process]:
    found = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            if word in " ".join(process.cmdline()):
                found.append(process)
    return found

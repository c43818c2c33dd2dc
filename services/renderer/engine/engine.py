"""Renders one file: fill, show, capture; and decides who is to blame when a browser ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from pressline.task.v1.task_pb2 import SourceDocument
from pressline.template.v1.template_pb2 import Inspection
from services.renderer.engine import assets, documents, options
from services.renderer.engine.browser import Browser, Launcher
from services.renderer.engine.capture import capture
from services.renderer.engine.compiler import Compiler
from services.renderer.engine.encode import Encoder
from services.renderer.engine.model import (
    BrowserCrashedError,
    BrowserLostError,
    BrowserTooLargeError,
    Budget,
    Document,
    ErrorCode,
    Job,
    PageCrashedError,
    Rendered,
    RenderError,
    timed_out,
)
from services.renderer.engine.pool import Pool
from services.renderer.engine.tab import Tab

log = structlog.get_logger()


@dataclass(frozen=True)
class _Place:
    """Where an item is rendered."""

    pool: Pool
    compiler: Compiler


class Engine:
    """Renders jobs, as many at once as its browsers have pages.

    Args:
        launcher: starts browsers; started by the caller.
        browsers: Chromium processes, beside one that fills templates.
        pages: items rendered at once in each.
        recycle_after: items after which a browser is replaced.
    """

    def __init__(self, launcher: Launcher, *, browsers: int, pages: int, recycle_after: int) -> None:
        self._launcher = launcher
        self._encoder = Encoder()
        self._shared = _Place(
            Pool(launcher.launch, browsers=browsers, pages=pages, recycle_after=recycle_after),
            Compiler(launcher.launch),
        )
        self._quarantine = asyncio.Semaphore(1)

    @property
    def browsers(self) -> list[Browser]:
        """The browsers that render."""
        return self._shared.pool.browsers

    async def start(self) -> None:
        """Open the page that fills templates; a browser that cannot start shows here.

        Raises:
            BrowserUnavailableError: no browser starts.
        """
        await self._shared.compiler.open()

    async def render(self, job: Job, budget: Budget) -> Rendered:
        """Make one file within the budget.

        An item whose browser or page ends is rendered again alone in a fresh browser, so that
        it is charged only with what it does by itself.

        Raises:
            RenderError: the item fails for good.
            BrowserCrashedError: it took its own browser down.
            BrowserUnavailableError: no browser starts.
        """
        if budget.used_up:
            raise timed_out(budget)
        wanted = options.parse(job.output)
        try:
            return await self._render(self._shared, job, wanted, budget)
        except (BrowserLostError, PageCrashedError) as error:
            log.warning("render.again_alone", error=repr(error))
        budget.renew()
        async with self._alone() as place:
            return await self._render_alone(place, job, wanted, budget)

    async def inspect(self, source: SourceDocument) -> Inspection:
        """List the variables of a Handlebars source; a browser that ends over it is given one more try."""
        try:
            return await self._shared.compiler.inspect(source)
        except (BrowserLostError, PageCrashedError) as error:
            log.warning("inspect.again", error=repr(error))
        try:
            return await self._shared.compiler.inspect(source)
        except (BrowserLostError, PageCrashedError):
            return Inspection(error="The browser that read the template ended over it twice.")

    async def close(self) -> None:
        """End all browsers."""
        await self._shared.pool.close()
        await self._shared.compiler.close()
        self._encoder.close()

    async def _render_alone(
        self, place: _Place, job: Job, wanted: options.Image | options.Pdf, budget: Budget
    ) -> Rendered:
        try:
            return await self._render(place, job, wanted, budget)
        except BrowserTooLargeError as error:
            raise RenderError(
                ErrorCode.RESOURCE_LIMIT, "The document needs more memory than the renderer gives one item."
            ) from error
        except BrowserLostError as error:
            raise BrowserCrashedError("the browser ended while it rendered this item alone") from error
        except PageCrashedError as error:
            raise RenderError(
                ErrorCode.PAGE_CRASHED,
                "The document crashed its page twice; it may need more memory than one page gets.",
            ) from error

    async def _render(self, place: _Place, job: Job, wanted: options.Image | options.Pdf, budget: Budget) -> Rendered:
        extra = wanted.extra_html if isinstance(wanted, options.Pdf) else ""
        document = await self._fill(place.compiler, job, extra, budget)
        document = assets.with_fonts(document, job.assets.font_rules if job.assets else "")
        async with place.pool.lease(job.account, scripted=document.scripted) as (browser, tab):
            try:
                async with budget.spend():
                    return await self._make(tab, document, wanted, job)
            except TimeoutError as error:
                # Nothing less than this stops a page that does not want to end.
                await browser.kill()
                raise timed_out(budget) from error

    async def _fill(self, compiler: Compiler, job: Job, extra: str, budget: Budget) -> Document:
        try:
            async with budget.spend():
                return await compiler.fill(job.source, job.data_json, extra, job.environment)
        except TimeoutError as error:
            await compiler.discard()
            raise timed_out(budget) from error

    async def _make(self, tab: Tab, document: Document, wanted: options.Image | options.Pdf, job: Job) -> Rendered:
        if isinstance(wanted, options.Image):
            await tab.resize(wanted.width, wanted.height, wanted.scale)
        else:
            await tab.resize(wanted.width, wanted.height)
        where = job.environment
        async with assets.served(tab, document, job.assets):
            await documents.show(tab, document, where)
            if isinstance(wanted, options.Pdf) and wanted.page_style and "@page" in document.html:
                await documents.add_style(tab, wanted.page_style)
            return await capture(tab, wanted, self._encoder, where.now_ms if where.fixed else None)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[_Place]:
        async with self._quarantine:
            pool = Pool(self._launcher.launch, browsers=1, pages=1, recycle_after=1)
            compiler = Compiler(self._launcher.launch)
            try:
                yield _Place(pool, compiler)
            finally:
                await pool.close()
                await compiler.close()

"""Renders one file: fill, show, capture; and decides who is to blame when a browser ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial

import structlog

from pressline.task.v1.task_pb2 import SourceDocument
from pressline.template.v1.template_pb2 import Inspection
from services.renderer.engine import assets, documents, failures, late_fonts, options, stillness
from services.renderer.engine.browser import Browser, Launcher
from services.renderer.engine.capture import capture
from services.renderer.engine.clip import located
from services.renderer.engine.compiler import Compiler
from services.renderer.engine.encode import Encoder
from services.renderer.engine.finisher import Finisher
from services.renderer.engine.lint import Code, Linter, question
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
from services.renderer.engine.shots import is_one_frame
from services.renderer.engine.tab import Tab

log = structlog.get_logger()


@dataclass(frozen=True)
class _Place:
    """Where an item is rendered.

    Attributes:
        pool: browsers that draw by themselves: scripts may wait for frames, and some pictures take several.
        still: browsers that draw when they are asked to, for all else.
        compiler: fills templates.
    """

    pool: Pool
    still: Pool
    compiler: Compiler

    def pool_of(self, document: Document, wanted: options.Image | options.Pdf) -> Pool:
        """The browsers that a document is for."""
        moves = document.scripted or (isinstance(wanted, options.Image) and not is_one_frame(wanted))
        return self.pool if moves else self.still

    async def close(self) -> None:
        """End all browsers."""
        await asyncio.gather(self.pool.close(), self.still.close(), self.compiler.close())


class Engine:
    """Renders jobs, as many at once as its browsers have pages.

    Args:
        launcher: starts browsers; started by the caller.
        browsers: Chromium processes of each kind, beside one that fills templates.
        pages: items rendered at once in each.
        recycle_after: items after which a browser is replaced.
        smallest_files: take several times the work for smaller PNG and WebP files.
    """

    def __init__(
        self, launcher: Launcher, *, browsers: int, pages: int, recycle_after: int, smallest_files: bool = False
    ) -> None:
        self._launcher = launcher
        self._encoder = Encoder(smallest=smallest_files)
        self._finisher = Finisher()
        self._linter = Linter()
        self._shared = self._place(browsers, pages, recycle_after)
        self._quarantine = asyncio.Semaphore(1)

    @property
    def browsers(self) -> list[Browser]:
        """The browsers that render."""
        return self._shared.pool.browsers + self._shared.still.browsers

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
        await self._shared.close()
        self._encoder.close()
        await self._finisher.close()

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
        pool = place.pool_of(document, wanted)
        async with pool.lease(job.account, scripted=document.scripted) as (browser, tab):
            try:
                async with budget.spend():
                    rendered = await self._make(tab, document, wanted, job, budget)
            except RenderError as error:
                await failures.examine(tab, document, wanted, error)
                raise
            except TimeoutError as error:
                failure = timed_out(budget)
                await failures.examine(tab, document, wanted, failure)
                # Nothing less than this stops a page that does not want to end.
                await browser.kill()
                raise failure from error
        # The page is free for another item meanwhile.
        return await self._finish(rendered, wanted, budget)

    async def _finish(self, rendered: Rendered, wanted: options.Image | options.Pdf, budget: Budget) -> Rendered:
        if isinstance(wanted, options.Image) or not wanted.unfinished:
            return rendered
        try:
            async with budget.spend():
                return replace(rendered, data=await self._finisher.finish(rendered.data, wanted.options))
        except TimeoutError as error:
            raise timed_out(budget) from error

    async def _fill(self, compiler: Compiler, job: Job, extra: str, budget: Budget) -> Document:
        try:
            async with budget.spend():
                return await compiler.fill(job.source, job.data_json, extra, job.environment)
        except TimeoutError as error:
            await compiler.discard()
            raise timed_out(budget) from error

    async def _make(
        self, tab: Tab, document: Document, wanted: options.Image | options.Pdf, job: Job, budget: Budget
    ) -> Rendered:
        if isinstance(wanted, options.Image):
            await tab.resize(wanted.width, wanted.height, wanted.scale)
        else:
            await tab.resize(wanted.width, wanted.height)
        where = job.environment
        async with assets.served(tab, document, job.assets, job.remote):
            found = await documents.show(tab, document, where, question(document, wanted))
            await stillness.hold_still(tab, document)
            await late_fonts.catch_up(tab, document, printed=isinstance(wanted, options.Pdf))
            if isinstance(wanted, options.Image):
                wanted = await located(tab, wanted)
            elif wanted.page_style and "@page" in document.html:
                await documents.add_style(tab, wanted.page_style)
            rendered = await capture(tab, wanted, self._encoder, where.now_ms if where.fixed else None, budget)
            warnings = await self._linter.look(tab, document, wanted, rendered, found)
            if any(warning.startswith(Code.SUBRESOURCE_FAILED) for warning in warnings):
                # The page remembers that a font failed.
                tab.shown = None
            if job.accept is not None:
                job.accept(warnings)
            return replace(rendered, warnings=warnings)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[_Place]:
        async with self._quarantine:
            place = self._place(browsers=1, pages=1, recycle_after=1)
            try:
                yield place
            finally:
                await place.close()

    def _place(self, browsers: int, pages: int, recycle_after: int) -> _Place:
        launch = self._launcher.launch
        return _Place(
            Pool(launch, browsers=browsers, pages=pages, recycle_after=recycle_after),
            Pool(partial(launch, draws=False), browsers=browsers, pages=pages, recycle_after=recycle_after),
            Compiler(launch),
        )

"""The script that a user would write instead: Playwright, a context per item, two items at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

from benchmarks.cases import QUALITY, Case
from benchmarks.contestants import Maker, Turn, at_once
from benchmarks.engine_alone import jobs_of, launching, renderer_settings
from services.renderer.engine.compiler import Compiler
from services.renderer.engine.model import Document

AT_ONCE = 2


@asynccontextmanager
async def plain_script() -> AsyncIterator[Maker]:
    """A browser that the script makes its files in. It is given documents that are filled already."""
    documents: dict[tuple[str, int], list[str]] = {}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=renderer_settings().chromium)

        async def make(case: Case, count: int) -> Turn:
            if (case.name, count) not in documents:
                documents[case.name, count] = [document.html for document in await filled(case, count)]
            htmls = documents[case.name, count]
            return await at_once(AT_ONCE, count, lambda number: _file(browser, case, htmls[number]))

        yield make
        await browser.close()


async def _file(browser: Browser, case: Case, html: str) -> bytes:
    context = await browser.new_context(viewport={"width": case.width, "height": case.height})
    try:
        page = await context.new_page()
        await page.set_content(html)
        match case.format:
            case "pdf":
                return await page.pdf(format="A4", print_background=True, prefer_css_page_size=True)
            case "png":
                return await page.screenshot(type="png")
            case "webp":
                return await page.screenshot(type="webp", quality=QUALITY)
        return await page.screenshot(type="jpeg", quality=QUALITY)
    finally:
        await context.close()


async def filled(case: Case, count: int) -> list[Document]:
    """The rows of a case as documents."""
    async with launching() as launcher:
        compiler = Compiler(launcher.launch)
        try:
            return [await compiler.fill(job.source, job.data_json, "") for job in jobs_of(case, count)]
        finally:
            await compiler.close()

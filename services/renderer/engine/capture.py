"""Taking the picture, or printing."""

from __future__ import annotations

import re

from pressline.batch.v1.batch_pb2 import FORMAT_PDF
from services.renderer.engine.connection import AnswerTooLongError
from services.renderer.engine.encode import Encoder, too_large
from services.renderer.engine.model import Budget, ErrorCode, PageCrashedError, Rendered, RenderError
from services.renderer.engine.options import CONTENT_TYPES, MAX_BYTES, MAX_PAGES, Image, Pdf
from services.renderer.engine.pdf import dated, page_count
from services.renderer.engine.shots import is_one_strip, shoot
from services.renderer.engine.tab import ProtocolError, Tab

# One page more than allowed tells that there are too many; what comes after it is not printed.
_BOUNDED = {"pageRanges": f"1-{MAX_PAGES + 1}"}

_NO_SUCH_PAGES = "Page range exceeds page count"
_NO_ROOM = "content area is empty"
# Told before it is known that the page has crashed.
_ENDED = "Printing failed"
# What in a header or footer ends the page that prints it, unless it is a data: address.
_LOADING = re.compile(r"<link\b|@import\b|@font-face\b", re.IGNORECASE)


async def capture(tab: Tab, wanted: Image | Pdf, encoder: Encoder, clock_ms: int | None, budget: Budget) -> Rendered:
    """Capture what the tab shows.

    Args:
        tab: a tab that is ready.
        wanted: the file.
        encoder: for images.
        clock_ms: the date in a PDF, in milliseconds since 1970; None leaves it out.
        budget: does not count the wait for other pages.

    Raises:
        RenderError: RESOURCE_LIMIT for too many pages or bytes; TEMPLATE_ERROR for a page without room, or a header or
            footer that loads something.
        PageCrashedError: the page ended over it.
    """
    if isinstance(wanted, Image):
        rendered = await _screenshot(tab, wanted, encoder, budget)
    else:
        rendered = await _print(tab, wanted, clock_ms)
    if len(rendered.data) > MAX_BYTES:
        raise too_large()
    return rendered


async def _screenshot(tab: Tab, wanted: Image, encoder: Encoder, budget: Budget) -> Rendered:
    ready = is_one_strip(wanted) and not encoder.improves(wanted.format)
    name = CONTENT_TYPES[wanted.format].removeprefix("image/")
    options = {"format": name, "quality": wanted.quality} if ready else {"format": "png", "optimizeForSpeed": True}
    try:
        strips = await shoot(tab, wanted, options, budget)
    except ProtocolError as error:
        raise RenderError(
            ErrorCode.RESOURCE_LIMIT, "The image needs more memory than the renderer gives one item."
        ) from error
    data = (
        strips[0]
        if ready
        else await encoder.encode(strips, wanted.format, wanted.quality, transparent=wanted.transparent)
    )
    width, height = wanted.pixels
    return Rendered(data, CONTENT_TYPES[wanted.format], width=width, height=height)


async def _print(tab: Tab, wanted: Pdf, clock_ms: int | None) -> Rendered:
    try:
        answer = await tab.send("Page.printToPDF", **_BOUNDED | wanted.parameters)
    except AnswerTooLongError as error:
        raise too_large() from error
    except (ProtocolError, PageCrashedError) as error:
        raise _unprintable(wanted, error) from error
    data = bytes(answer["data"])
    pages = page_count(data)
    if pages < len(wanted.pages):
        # Chromium leaves out what is not there.
        raise _beyond(wanted.pages[pages])
    if pages > MAX_PAGES:
        raise RenderError(ErrorCode.RESOURCE_LIMIT, f"The document has more than {MAX_PAGES} pages.")
    return Rendered(dated(data, clock_ms), CONTENT_TYPES[FORMAT_PDF], pages=pages)


def _unprintable(wanted: Pdf, error: Exception) -> Exception:
    if wanted.pages and _NO_SUCH_PAGES in str(error):
        return _beyond(wanted.pages[0])
    if _NO_ROOM in str(error):
        return RenderError(ErrorCode.TEMPLATE_ERROR, "The margins leave no room for content on the page.")
    if _LOADING.search(wanted.extra_html):
        return RenderError(
            ErrorCode.TEMPLATE_ERROR,
            "The header or footer cannot be printed: it refers to a style sheet or font that is elsewhere, and can "
            "load nothing. Write its CSS into a <style> element, and fonts as data: addresses.",
        )
    if isinstance(error, PageCrashedError) or _ENDED in str(error):
        return PageCrashedError("the page crashed while it was printed")
    return RenderError(ErrorCode.TEMPLATE_ERROR, "The page cannot be printed.")


def _beyond(page: int) -> RenderError:
    return RenderError(
        ErrorCode.TEMPLATE_ERROR, f"page_ranges names page {page}, which is beyond the end of the document."
    )

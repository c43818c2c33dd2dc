"""Taking the picture, or printing."""

from __future__ import annotations

import base64

from pressline.batch.v1.batch_pb2 import FORMAT_JPEG, FORMAT_PDF
from services.renderer.engine.encode import Encoder, too_large
from services.renderer.engine.model import Budget, ErrorCode, Rendered, RenderError
from services.renderer.engine.options import CONTENT_TYPES, MAX_BYTES, MAX_PAGES, Image, Pdf
from services.renderer.engine.pdf import dated, page_count
from services.renderer.engine.shots import is_one_strip, shoot
from services.renderer.engine.tab import ProtocolError, Tab

_CHUNK_BYTES = 1 << 20
# One page more than allowed tells that there are too many; what comes after it is not printed.
_BOUNDED = {"pageRanges": f"1-{MAX_PAGES + 1}"}

_NO_SUCH_PAGES = "Page range exceeds page count"


async def capture(tab: Tab, wanted: Image | Pdf, encoder: Encoder, clock_ms: int | None, budget: Budget) -> Rendered:
    """Capture what the tab shows.

    Args:
        tab: a tab that is ready.
        wanted: the file.
        encoder: for images.
        clock_ms: the date in a PDF, in milliseconds since 1970; None leaves it out.
        budget: does not count the wait for other pages.

    Raises:
        RenderError: RESOURCE_LIMIT for too many pages or bytes, TEMPLATE_ERROR for a page without room.
    """
    if isinstance(wanted, Image):
        rendered = await _screenshot(tab, wanted, encoder, budget)
    else:
        rendered = await _print(tab, wanted, clock_ms)
    if len(rendered.data) > MAX_BYTES:
        raise too_large()
    return rendered


async def _screenshot(tab: Tab, wanted: Image, encoder: Encoder, budget: Budget) -> Rendered:
    # Chromium's JPEG is cheap; its PNG and WebP are not, so those start from its fastest PNG.
    ready = wanted.format == FORMAT_JPEG and is_one_strip(wanted)
    options = {"format": "jpeg", "quality": wanted.quality} if ready else {"format": "png", "optimizeForSpeed": True}
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
        answer = await tab.send("Page.printToPDF", transferMode="ReturnAsStream", **_BOUNDED | wanted.parameters)
    except ProtocolError as error:
        if wanted.pages and _NO_SUCH_PAGES in str(error):
            raise _beyond(wanted.pages[0]) from error
        raise RenderError(
            ErrorCode.TEMPLATE_ERROR,
            "The page cannot be printed; its margins may leave no room for content.",
        ) from error
    data = await _read(tab, answer["stream"])
    pages = page_count(data)
    if pages < len(wanted.pages):
        # Chromium leaves out what is not there.
        raise _beyond(wanted.pages[pages])
    if pages > MAX_PAGES:
        raise RenderError(ErrorCode.RESOURCE_LIMIT, f"The document has more than {MAX_PAGES} pages.")
    return Rendered(dated(data, clock_ms), CONTENT_TYPES[FORMAT_PDF], pages=pages)


def _beyond(page: int) -> RenderError:
    return RenderError(
        ErrorCode.TEMPLATE_ERROR, f"page_ranges names page {page}, which is beyond the end of the document."
    )


async def _read(tab: Tab, stream: str) -> bytes:
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        chunk = await tab.send("IO.read", handle=stream, size=_CHUNK_BYTES)
        parts.append(base64.b64decode(chunk["data"]) if chunk.get("base64Encoded") else chunk["data"].encode())
        size, more = size + len(parts[-1]), not chunk["eof"]
        if size > MAX_BYTES:
            raise too_large()
    await tab.send("IO.close", handle=stream)
    return b"".join(parts)

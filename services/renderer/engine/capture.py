"""Taking the picture, or printing."""

from __future__ import annotations

import base64

from pressline.batch.v1.batch_pb2 import FORMAT_JPEG, FORMAT_PDF
from services.renderer.engine.encode import Encoder
from services.renderer.engine.model import ErrorCode, Rendered, RenderError
from services.renderer.engine.options import CONTENT_TYPES, MAX_BYTES, MAX_PAGES, Image, Pdf
from services.renderer.engine.pdf import page_count
from services.renderer.engine.tab import ProtocolError, Tab

_CHUNK_BYTES = 1 << 20


async def capture(tab: Tab, wanted: Image | Pdf, encoder: Encoder) -> Rendered:
    """Capture what the tab shows.

    Raises:
        RenderError: RESOURCE_LIMIT for too many pages or bytes, TEMPLATE_ERROR for a page without room.
    """
    rendered = await (_screenshot(tab, wanted, encoder) if isinstance(wanted, Image) else _print(tab, wanted))
    if len(rendered.data) > MAX_BYTES:
        raise _too_large(len(rendered.data))
    return rendered


async def _screenshot(tab: Tab, wanted: Image, encoder: Encoder) -> Rendered:
    jpeg = wanted.format == FORMAT_JPEG
    # Chromium's JPEG is cheap; its PNG and WebP are not, so those start from its fastest PNG.
    options = {"format": "jpeg", "quality": wanted.quality} if jpeg else {"format": "png", "optimizeForSpeed": True}
    try:
        shot = await tab.send("Page.captureScreenshot", captureBeyondViewport=False, **options)
    except ProtocolError as error:
        raise RenderError(
            ErrorCode.RESOURCE_LIMIT, "The image needs more memory than the renderer gives one item."
        ) from error
    data = base64.b64decode(shot["data"])
    if not jpeg:
        data = await encoder.encode(data, wanted.format, wanted.quality)
    width, height = wanted.pixels
    return Rendered(data, CONTENT_TYPES[wanted.format], width=width, height=height)


async def _print(tab: Tab, wanted: Pdf) -> Rendered:
    try:
        answer = await tab.send("Page.printToPDF", transferMode="ReturnAsStream", **wanted.parameters)
    except ProtocolError as error:
        raise RenderError(
            ErrorCode.TEMPLATE_ERROR,
            "The page cannot be printed; its margins may leave no room for content.",
        ) from error
    data = await _read(tab, answer["stream"])
    pages = page_count(data)
    if pages > MAX_PAGES:
        raise RenderError(ErrorCode.RESOURCE_LIMIT, f"The document has {pages} pages; at most {MAX_PAGES} are allowed.")
    return Rendered(data, CONTENT_TYPES[FORMAT_PDF], pages=pages)


async def _read(tab: Tab, stream: str) -> bytes:
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        chunk = await tab.send("IO.read", handle=stream, size=_CHUNK_BYTES)
        parts.append(base64.b64decode(chunk["data"]) if chunk.get("base64Encoded") else chunk["data"].encode())
        size, more = size + len(parts[-1]), not chunk["eof"]
        if size > MAX_BYTES:
            raise _too_large(size)
    await tab.send("IO.close", handle=stream)
    return b"".join(parts)


def _too_large(size: int) -> RenderError:
    return RenderError(
        ErrorCode.RESOURCE_LIMIT,
        f"The output has more than {MAX_BYTES // 1_000_000} MB ({size // 1_000_000} MB so far).",
    )

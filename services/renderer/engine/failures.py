"""What is kept of a page that an item failed on: a small picture, and what was odd by then.

The item has failed whatever is found here, so nothing of it can fail the item in another way.
"""

from __future__ import annotations

import asyncio

import structlog

from services.renderer.engine import lint, shots
from services.renderer.engine.model import Document, ErrorCode, RenderError
from services.renderer.engine.options import Image, Pdf
from services.renderer.engine.tab import Tab

SECONDS = 2.0
MOST_BYTES = 500_000
log = structlog.get_logger()


async def examine(tab: Tab, document: Document, wanted: Image | Pdf, failure: RenderError) -> None:
    """Add to a failure what its page shows and says; what is not there within two seconds is left out.

    Args:
        tab: thrown away afterwards, for it is not as it was before.
        document: what it shows.
        wanted: the file that was to be made.
        failure: gets a screenshot, and warnings where it has none.
    """
    said = ""
    try:
        async with asyncio.timeout(SECONDS):
            if document.scripted and failure.code == ErrorCode.RENDER_TIMEOUT:
                await _interrupt(tab)
            said = await lint.said(tab, document)
            if failure.code != ErrorCode.COMPILE_ERROR and not _is_secret(wanted):
                failure.screenshot = _bounded(await shots.glance(tab, wanted))
    except Exception as error:  # Whatever it is, the page failed before.
        log.info("screenshot.failed", error=repr(error))
    failure.warnings = failure.warnings or lint.before_capture(document, said)


async def _interrupt(tab: Tab) -> None:
    """End the script that runs, if one does: nothing can be seen of its page as long as it does."""
    # Where none runs, the order waits for the next one.
    await asyncio.gather(tab.send("Runtime.terminateExecution"), tab.evaluate("0"), return_exceptions=True)


def _is_secret(wanted: Image | Pdf) -> bool:
    """Whether the file was to be encrypted, as nothing else that is stored of it would be."""
    return isinstance(wanted, Pdf) and wanted.options.HasField("encryption")


def _bounded(picture: bytes) -> bytes:
    if len(picture) <= MOST_BYTES:
        return picture
    log.info("screenshot.dropped", bytes=len(picture))
    return b""

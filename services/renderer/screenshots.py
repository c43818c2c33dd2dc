"""Pictures of pages that items failed on: beside the outputs, and as good as lost when the store does not take them."""

from __future__ import annotations

import asyncio

import structlog

from pressline.task.v1 import task_pb2
from services.common.blobs import BLOB_ERRORS, BlobStore
from services.renderer.engine.model import RenderError

SECONDS = 2.0
CONTENT_TYPE = "image/jpeg"
log = structlog.get_logger()


async def kept(blobs: BlobStore, render: task_pb2.Render, failure: RenderError) -> list[task_pb2.Screenshot]:
    """Store a failure's picture, where it has one; what to report of it, which is nothing when that takes long."""
    if not (failure.screenshot and render.screenshot_key):
        return []
    try:
        async with asyncio.timeout(SECONDS):
            await blobs.put(render.screenshot_key, failure.screenshot, CONTENT_TYPE)
    except BLOB_ERRORS as error:
        log.warning("screenshot.not_stored", error=repr(error))
        return []
    return [task_pb2.Screenshot(layout=render.layout, object_key=render.screenshot_key)]

"""JSON answers that hold a whole output as base64: however large it is, a part of it is held at a time."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping
from typing import Any

from pydantic_core import to_json
from starlette.responses import Response, StreamingResponse

from pressline.batch.v1 import batch_pb2
from services.gateway.responses import Json
from services.gateway.scheduler import Scheduler

# A multiple of three, so that the parts' encodings are that of the whole.
PART_BYTES = 3 * 1024 * 1024
# Nothing inside a string reads like this: its quotes would be escaped.
_EMPTY = b'"data":""'


def answer(scheduler: Scheduler, item: batch_pb2.Item, content: Mapping[str, Any], status_code: int = 200) -> Response:
    """The content as JSON, its `data` filled with the item's output where that was too large to come with the item."""
    if not item.inline_data or not item.outputs or item.data:
        return Json(content, status_code)
    before, after = to_json({**content, "data": ""}).split(_EMPTY)
    parts = _parts(scheduler, item, before + b'"data":"', b'"' + after)
    return StreamingResponse(parts, status_code, media_type="application/json")


async def _parts(scheduler: Scheduler, item: batch_pb2.Item, before: bytes, after: bytes) -> AsyncIterator[bytes]:
    yield before
    for offset in range(0, item.outputs[0].size_bytes, PART_BYTES):
        request = batch_pb2.ReadOutputRequest(item_id=item.id, offset=offset, size=PART_BYTES)
        yield base64.b64encode((await scheduler.call(scheduler.stubs.batches.ReadOutput, request)).data)
    yield after

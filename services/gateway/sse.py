"""Server-sent events: how they are written and kept alive."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from pydantic_core import to_json
from starlette.responses import StreamingResponse

from pressline.batch.v1 import batch_pb2
from services.gateway.follow import Follower
from services.gateway.translate import native

# Proxies give up on connections that say nothing for long.
KEEP_ALIVE_SECONDS = 15.0
_KEEP_ALIVE = b": keep-alive\n\n"
_BEGINNING = b"retry: 2000\n\n"
_MAX_ID_DIGITS = 15
# For the description of the API, which has one event of the stream here.
_EVENT = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "description": "The batch's revision."},
        "event": {"enum": ["progress", "ended"]},
        "data": {"type": "string", "contentMediaType": "application/json", "description": "The batch, as it is read."},
    },
    "required": ["id", "event", "data"],
}
DESCRIBED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "How it is now, then what changes, at most four times a second; `ended` is the last event.",
        "content": {
            "text/event-stream": {
                "schema": _EVENT,
                "example": 'id: 4\nevent: progress\ndata: {"id":"batch_…","total":10,…}\n\n',
            }
        },
    },
    204: {"description": "The batch has ended, and Last-Event-ID was the end."},
}


class EventStream(StreamingResponse):
    """An answer that goes on for as long as there are events."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterator[bytes]) -> None:
        # The second header is nginx's, which would otherwise collect events before it passes them on.
        super().__init__(events, headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})


def seen_revision(last_event_id: str | None) -> int:
    """The revision in a Last-Event-ID header; 0 for none, and for one that no event had."""
    text = last_event_id or ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MAX_ID_DIGITS else 0


async def progress(first: batch_pb2.Batch, follower: Follower, seen: int) -> AsyncIterator[bytes]:
    """The events of one batch.

    Args:
        first: how it is now.
        follower: what changes after that.
        seen: the revision that the reader has.
    """
    yield _BEGINNING
    if first.revision != seen:
        yield _event(first)
    batch: batch_pb2.Batch | None = first
    while batch is None or not batch.HasField("end_time"):
        batch = await follower.news(KEEP_ALIVE_SECONDS)
        if batch is not None:
            yield _event(batch)
        elif follower.over:
            return
        else:
            yield _KEEP_ALIVE


def _event(batch: batch_pb2.Batch) -> bytes:
    name = b"ended" if batch.HasField("end_time") else b"progress"
    # JSON has no line breaks of its own, so one data line holds it.
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (batch.revision, name, to_json(native.batch(batch)))

"""All items of a batch in one answer, a page at a time: whatever the batch's size, one page is held."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Literal

from pydantic_core import to_json
from starlette.responses import StreamingResponse

from pressline.batch.v1 import batch_pb2
from services.gateway.models.answers.native import ITEM
from services.gateway.openapi.headers import refer
from services.gateway.scheduler import Scheduler
from services.gateway.translate import rows

PAGE_ITEMS = 250
Form = Literal["json", "ndjson", "csv"]
_MEDIA_TYPES: dict[str, Form] = {
    "application/json": "json",
    "application/*": "json",
    "*/*": "json",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "text/csv": "csv",
    "text/*": "csv",
}
_ENCODINGS: dict[Form, tuple[str, bytes, Callable[[Iterable[batch_pb2.Item]], bytes]]] = {
    "ndjson": ("application/x-ndjson", b"", rows.ndjson),
    "csv": ("text/csv; charset=utf-8; header=present", rows.CSV_HEADER, rows.csv_rows),
}
# For the description of the API.
_TEXT: dict[str, Any] = {"type": "string"}
FORMS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A page as JSON; or every item, one a line as NDJSON, or as a row of CSV.",
        "headers": refer(["Content-Disposition"]),
        "content": {
            "application/x-ndjson": {"schema": _TEXT, "example": to_json(ITEM).decode() + "\n"},
            "text/csv": {"schema": _TEXT, "example": rows.CSV_HEADER.decode()},
        },
    }
}


def wanted(accept: str) -> Form:
    """The form that an Accept header likes best; JSON when it likes none of ours."""
    liked = [_liked(media_range) for media_range in accept.split(",")]
    known = [(quality, _MEDIA_TYPES[media]) for media, quality in liked if quality > 0 and media in _MEDIA_TYPES]
    # Of several that are liked the same, the first.
    return max(known, key=lambda pair: pair[0])[1] if known else "json"


async def export(
    scheduler: Scheduler, batch_id: str, states: Iterable[batch_pb2.ItemState.ValueType], form: Form
) -> StreamingResponse:
    """Stream every item of a batch.

    Raises:
        PresslineError: the batch cannot be read; once the answer has begun, a failure breaks it off instead.
    """
    media_type, header, encode = _ENCODINGS[form]
    request = batch_pb2.ListItemsRequest(batch_id=batch_id, page_size=PAGE_ITEMS, states=states)
    first = await scheduler.call(scheduler.stubs.batches.ListItems, request)

    async def parts() -> AsyncIterator[bytes]:
        page = first
        yield header + encode(page.items)
        while page.next_index:
            request.from_index = page.next_index
            page = await scheduler.call(scheduler.stubs.batches.ListItems, request)
            yield encode(page.items)

    disposition = {"Content-Disposition": f'attachment; filename="{batch_id}.{form}"'}
    return StreamingResponse(parts(), headers={**disposition, "Content-Type": media_type})


def _liked(media_range: str) -> tuple[str, float]:
    media, *parameters = (part.strip().lower() for part in media_range.split(";"))
    quality = next((part[2:] for part in parameters if part.startswith("q=")), "1")
    try:
        return media, float(quality)
    except ValueError:
        return media, 0.0

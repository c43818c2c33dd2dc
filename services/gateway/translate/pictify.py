"""The Pictify dialect: rows of one template in, images out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pressline.batch.v1 import batch_pb2
from services.gateway.models.pictify import BatchRenderBody, ImageFields
from services.gateway.translate.values import BATCH_STATES, FORMATS, ITEM_STATES, format_name, progress, timestamp

# `completed` is the dialect's own word for an item that succeeded.
RESULT_STATES = {**ITEM_STATES, "completed": ITEM_STATES["succeeded"]}
# Items that have a result: what is listed when no status is asked for.
ENDED_STATES = [*ITEM_STATES["succeeded"], *ITEM_STATES["failed"], *ITEM_STATES["cancelled"]]
_UNFINISHED_ERRORS: dict[int, str] = {
    batch_pb2.ITEM_STATE_CANCELLED: "The batch was cancelled before this item was rendered.",
}


def batch_spec(template_id: str, body: BatchRenderBody) -> batch_pb2.BatchSpec:
    """The batch without its rows."""
    spec = single_spec(template_id, body)
    spec.concurrency, spec.webhook_url = body.concurrency, body.webhook_url or ""
    return spec


def single_spec(template_id: str, body: ImageFields) -> batch_pb2.BatchSpec:
    """What is made of every row."""
    return batch_pb2.BatchSpec(
        dialect=batch_pb2.DIALECT_PICTIFY,
        source=batch_pb2.Source(template_id=template_id),
        output=batch_pb2.OutputSpec(format=FORMATS[body.format], image=_image(body)),
        layouts=body.layouts or ([body.layout] if body.layout is not None else []),
        layout_list=bool(body.layouts),
    )


def item_specs(body: BatchRenderBody) -> Iterator[batch_pb2.ItemSpec]:
    """The rows, in order."""
    return (batch_pb2.ItemSpec(data_json=row) for row in body.variable_sets)


def accepted(response: batch_pb2.CreateBatchResponse) -> dict[str, Any]:
    """The answer to an accepted batch."""
    total = response.batch.counts.total
    return {
        "batchId": response.batch.id,
        "status": BATCH_STATES[response.batch.state],
        "totalItems": total,
        "message": f"{total} {'item' if total == 1 else 'items'} accepted for rendering.",
    }


def results(batch: batch_pb2.Batch, listed: batch_pb2.ListItemsResponse, page: int, limit: int) -> dict[str, Any]:
    """A batch with one page of its results."""
    pages = -(-listed.total // limit)
    return {
        "batchId": batch.id,
        "status": BATCH_STATES[batch.state],
        "progress": progress(batch.counts),
        "totalItems": batch.counts.total,
        "completedItems": batch.counts.succeeded,
        "failedItems": batch.counts.failed,
        "createdAt": timestamp(batch.create_time),
        "startedAt": timestamp(batch.start_time),
        "completedAt": timestamp(batch.end_time),
        "results": [{"index": item.index, **result(item, _nested(batch))} for item in listed.items],
        "pagination": {
            "page": page,
            "limit": limit,
            "total": listed.total,
            "totalPages": pages,
            "hasMore": page < pages,
        },
    }


def rendered(item: batch_pb2.Item, layouts: Sequence[str] | None) -> dict[str, Any]:
    """The answer to a single call."""
    return {"id": item.id, "batchId": item.batch_id, **result(item, layouts)}


def waiting(item: batch_pb2.Item) -> dict[str, Any]:
    """The answer to a single call that took too long."""
    message = "The image is not ready yet; ask for the results of this batch."
    return {"id": item.id, "batchId": item.batch_id, "status": "processing", "message": message}


def result(item: batch_pb2.Item, layouts: Sequence[str] | None) -> dict[str, Any]:
    """What became of one row.

    Args:
        item: the row.
        layouts: those that the caller listed, whose files and errors are then told one by one; None for no list.
    """
    first = item.outputs[0] if item.outputs else None
    flat = {
        "success": item.state == batch_pb2.ITEM_STATE_SUCCEEDED,
        "url": first.url if first else None,
        "width": first.width if first else None,
        "height": first.height if first else None,
        "format": format_name(first.format if first else item.format),
        "bytes": first.size_bytes if first else None,
        "error": item.errors[0].message if item.errors else _UNFINISHED_ERRORS.get(item.state),
    }
    if layouts is None:
        return flat
    return {**flat, "results": [_file(output) for output in item.outputs], "errors": _errors(item, layouts)}


def cancelled(batch: batch_pb2.Batch) -> dict[str, Any]:
    """The answer to a cancel."""
    return {
        "batchId": batch.id,
        "status": BATCH_STATES[batch.state],
        "message": f"Cancelled; {batch.counts.succeeded} finished items keep their files.",
        "completedCount": batch.counts.succeeded,
        "cancelledCount": batch.counts.cancelled,
    }


def _image(body: ImageFields) -> batch_pb2.ImageOptions:
    return batch_pb2.ImageOptions(
        quality=body.quality,
        selector=body.selector or "",
        full_page=body.full_page,
        transparent=body.transparent,
    )


def _file(output: batch_pb2.Output) -> dict[str, Any]:
    return {
        "layout": output.layout,
        "url": output.url,
        "width": output.width,
        "height": output.height,
        "format": format_name(output.format),
    }


def _errors(item: batch_pb2.Item, layouts: Sequence[str]) -> list[dict[str, Any]]:
    """Why each layout has no file; what failed the whole row failed every layout that has none."""
    own = {error.layout: error.message for error in item.errors}
    whole = own.get("", _UNFINISHED_ERRORS.get(item.state))
    done = {output.layout for output in item.outputs}
    told = {layout: own.get(layout, whole) for layout in layouts if layout not in done}
    return [{"layout": layout, "error": message} for layout, message in told.items() if message is not None]


def _nested(batch: batch_pb2.Batch) -> Sequence[str] | None:
    return batch.layouts if batch.layout_list else None

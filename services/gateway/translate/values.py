"""Small values that every dialect writes alike."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from pressline.batch.v1 import batch_pb2

FORMATS: dict[str, batch_pb2.Format.ValueType] = {
    "png": batch_pb2.FORMAT_PNG,
    "jpeg": batch_pb2.FORMAT_JPEG,
    "webp": batch_pb2.FORMAT_WEBP,
    "pdf": batch_pb2.FORMAT_PDF,
}
_FORMAT_NAMES: dict[int, str] = {value: name for name, value in FORMATS.items()}
BATCH_STATES: dict[int, str] = {
    batch_pb2.BATCH_STATE_PENDING: "pending",
    batch_pb2.BATCH_STATE_PROCESSING: "processing",
    batch_pb2.BATCH_STATE_COMPLETED: "completed",
    batch_pb2.BATCH_STATE_PARTIAL: "partial",
    batch_pb2.BATCH_STATE_FAILED: "failed",
    batch_pb2.BATCH_STATE_CANCELLED: "cancelled",
}
BATCH_STATE_VALUES: dict[str, batch_pb2.BatchState.ValueType] = {
    name: batch_pb2.BatchState.ValueType(value) for value, name in BATCH_STATES.items()
}
# States of items as callers know them; waiting and offered are one to them.
ITEM_STATES: dict[str, list[batch_pb2.ItemState.ValueType]] = {
    "pending": [batch_pb2.ITEM_STATE_PENDING, batch_pb2.ITEM_STATE_DISPATCHED],
    "processing": [batch_pb2.ITEM_STATE_RENDERING],
    "succeeded": [batch_pb2.ITEM_STATE_SUCCEEDED],
    "failed": [batch_pb2.ITEM_STATE_FAILED],
    "cancelled": [batch_pb2.ITEM_STATE_CANCELLED],
}
ITEM_STATE_NAMES: dict[int, str] = {state: name for name, states in ITEM_STATES.items() for state in states}


def format_name(value: int) -> str | None:
    """`png`, `jpeg`, `webp` or `pdf`."""
    return _FORMAT_NAMES.get(value)


def timestamp(value: Timestamp) -> str | None:
    """RFC 3339 in UTC; None when unset."""
    return value.ToJsonString() if value.seconds or value.nanos else None


def progress(counts: batch_pb2.ItemCounts) -> int:
    """Whole percent of the items that have ended, rounded down."""
    ended = counts.succeeded + counts.failed + counts.cancelled
    return 100 * ended // counts.total if counts.total else 0

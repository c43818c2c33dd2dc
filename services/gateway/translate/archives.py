"""Archives in snake_case."""

from __future__ import annotations

from typing import Any

from pressline.archive.v1 import archive_pb2
from services.gateway.translate.values import timestamp

FORMATS: dict[str, archive_pb2.ArchiveFormat.ValueType] = {
    "zip": archive_pb2.ARCHIVE_FORMAT_ZIP,
    "pdf": archive_pb2.ARCHIVE_FORMAT_PDF,
}
_FORMAT_NAMES: dict[int, str] = {value: name for name, value in FORMATS.items()}
_STATES: dict[int, str] = {
    archive_pb2.ARCHIVE_STATE_QUEUED: "queued",
    archive_pb2.ARCHIVE_STATE_PROCESSING: "processing",
    archive_pb2.ARCHIVE_STATE_COMPLETED: "completed",
    archive_pb2.ARCHIVE_STATE_FAILED: "failed",
}
_ENDED = (archive_pb2.ARCHIVE_STATE_COMPLETED, archive_pb2.ARCHIVE_STATE_FAILED)


def ended(stored: archive_pb2.Archive) -> bool:
    """Whether there is nothing left to wait for."""
    return stored.state in _ENDED


def archive(stored: archive_pb2.Archive) -> dict[str, Any]:
    """An archive as its owner sees it."""
    error = stored.error if stored.HasField("error") else None
    return {
        "id": stored.id,
        "batch_id": stored.batch_id,
        "format": _FORMAT_NAMES[stored.format],
        "status": _STATES[stored.state],
        "url": stored.url or None,
        "bytes": stored.size_bytes or None,
        "sha256": stored.sha256 or None,
        "items": stored.items,
        "error": {"code": error.code, "message": error.message} if error else None,
        "created_at": timestamp(stored.create_time),
        "expires_at": timestamp(stored.expire_time),
    }

"""What goes into an archive, and the manifest that lists it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pressline.archive.v1.job_pb2 import ArchiveEntry
from pressline.batch.v1 import batch_pb2
from pressline.task.v1.task_pb2 import StoredOutput
from services.renderer.archives.names import Names

_STATUS = {
    batch_pb2.ITEM_STATE_SUCCEEDED: "succeeded",
    batch_pb2.ITEM_STATE_FAILED: "failed",
    batch_pb2.ITEM_STATE_CANCELLED: "cancelled",
}
_FORMATS = {
    batch_pb2.FORMAT_PNG: "png",
    batch_pb2.FORMAT_JPEG: "jpeg",
    batch_pb2.FORMAT_WEBP: "webp",
    batch_pb2.FORMAT_PDF: "pdf",
}


@dataclass(frozen=True)
class ArchivedFile:
    """A stored file under its name in the archive."""

    name: str
    object_key: str
    output: batch_pb2.Output


@dataclass(frozen=True)
class ArchivedItem:
    """An item with its files, in the order of its layouts."""

    entry: ArchiveEntry
    files: Sequence[ArchivedFile]


def named(entries: Sequence[ArchiveEntry]) -> list[ArchivedItem]:
    """Items with names for their files; the same entries always get the same names."""
    names = Names(len(entries))
    return [ArchivedItem(entry, [_file(names, entry, stored) for stored in entry.outputs]) for entry in entries]


def manifest(batch_id: str, items: Iterable[ArchivedItem]) -> bytes:
    """The JSON that lists every item, those without a file included."""
    listed = {"batch_id": batch_id, "items": [_listed(item) for item in items]}
    return json.dumps(listed, ensure_ascii=False, indent=1).encode() + b"\n"


def title(entry: ArchiveEntry) -> str:
    """What an item is called in an outline."""
    return entry.reference or entry.filename or f"Item {entry.index + 1}"


def _file(names: Names, entry: ArchiveEntry, stored: StoredOutput) -> ArchivedFile:
    return ArchivedFile(names.of(entry.index, entry.filename, stored.output), stored.object_key, stored.output)


def _listed(item: ArchivedItem) -> dict[str, Any]:
    entry, files = item.entry, [_listed_file(file) for file in item.files]
    first = files[0] if files else {"file": None, "bytes": None, "sha256": None}
    error = entry.errors[0] if entry.errors else None
    return {
        "index": entry.index,
        "id": entry.item_id,
        "reference": entry.reference or None,
        "status": _STATUS[entry.state],
        "file": first["file"],
        "bytes": first["bytes"],
        "sha256": first["sha256"],
        "files": files,
        "error": {"code": error.code, "message": error.message} if error else None,
    }


def _listed_file(file: ArchivedFile) -> dict[str, Any]:
    output = file.output
    return {
        "file": file.name,
        "layout": output.layout or None,
        "format": _FORMATS[output.format],
        "width": output.width or None,
        "height": output.height or None,
        "pages": output.pages or None,
        "bytes": output.size_bytes,
        "sha256": output.sha256,
    }

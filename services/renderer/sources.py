"""Source documents, kept after their first use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pressline.task.v1.task_pb2 import SourceDocument
from services.renderer.kept import Kept

MAX_BYTES = 64 * 1024 * 1024


class Sources(Kept[str, SourceDocument]):
    """The most recently used sources.

    Args:
        read: fetches a source by id.
        max_bytes: what is kept altogether; a source larger than that is not kept.
    """

    def __init__(self, read: Callable[[str], Awaitable[SourceDocument]], max_bytes: int = MAX_BYTES) -> None:
        super().__init__(read, SourceDocument.ByteSize, max_bytes)

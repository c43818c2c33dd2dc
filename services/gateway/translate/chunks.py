"""A batch as the messages of a create stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pressline.batch.v1 import batch_pb2
from services.common.errors import PresslineError, Reason
from services.common.rpc import MAX_MESSAGE_BYTES

CHUNK_BYTES = 1024 * 1024
CHUNK_ITEMS = 500
# Room for the framing around a single large item.
MAX_ITEM_BYTES = MAX_MESSAGE_BYTES - 64 * 1024


def messages(spec: batch_pb2.BatchSpec, items: Iterable[batch_pb2.ItemSpec]) -> Iterator[batch_pb2.CreateBatchRequest]:
    """The spec first, then the items in order, in messages of about 1 MiB; a larger item travels alone.

    Raises:
        PresslineError: PAYLOAD_TOO_LARGE when one item is larger than a message may be.
    """
    if spec.ByteSize() > MAX_ITEM_BYTES:
        raise _too_large("The batch's defaults are")
    yield batch_pb2.CreateBatchRequest(spec=spec)
    chunk: list[batch_pb2.ItemSpec] = []
    size = 0
    for index, item in enumerate(items):
        item_size = item.ByteSize()
        if item_size > MAX_ITEM_BYTES:
            raise _too_large(f"Item {index} is")
        if chunk and (size + item_size > CHUNK_BYTES or len(chunk) == CHUNK_ITEMS):
            yield _message(chunk)
            chunk, size = [], 0
        chunk.append(item)
        size += item_size
    if chunk:
        yield _message(chunk)


def _message(chunk: list[batch_pb2.ItemSpec]) -> batch_pb2.CreateBatchRequest:
    return batch_pb2.CreateBatchRequest(items=batch_pb2.ItemChunk(items=chunk))


def _too_large(subject: str) -> PresslineError:
    return PresslineError(Reason.PAYLOAD_TOO_LARGE, f"{subject} larger than {MAX_ITEM_BYTES // 1024} KiB.")

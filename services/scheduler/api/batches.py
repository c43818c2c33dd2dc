"""pressline.batch.v1.BatchService."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import grpc
from google.protobuf.field_mask_pb2 import FieldMask

from pressline.batch.v1 import batch_pb2, batch_pb2_grpc
from pressline.task.v1 import task_pb2
from services.common import ids
from services.common.errors import PresslineError, Reason, Violation, invalid, not_found
from services.scheduler.api.caller import Callers
from services.scheduler.masks import ReadMask
from services.scheduler.parts import Parts
from services.scheduler.store.database import Document

Context = grpc.aio.ServicerContext[Any, Any]
LONGEST_WAIT_SECONDS = 60
# What fits into a message of the size that gRPC clients take by default, and into one of ours.
DEFAULT_PART, LARGEST_PART = 1024 * 1024, 8 * 1024 * 1024
LARGEST_SUBMIT_BYTES = 80 * 1024 * 1024
WHOLE_ITEM = ReadMask(FieldMask(), batch_pb2.Item)


class BatchService(batch_pb2_grpc.BatchServiceServicer):
    """Batches and items of the calling account."""

    def __init__(self, callers: Callers, parts: Parts) -> None:
        self._callers = callers
        self._parts = parts

    async def CreateBatch(
        self, request_iterator: AsyncIterator[batch_pb2.CreateBatchRequest], context: Context
    ) -> batch_pb2.CreateBatchResponse:
        """Read the whole stream, then accept."""
        account = await self._callers.account(context)
        spec, items = await _read_submit(request_iterator)
        return await self._parts.intake.create(account, spec, items)

    async def CheckBatch(
        self, request_iterator: AsyncIterator[batch_pb2.CheckBatchRequest], context: Context
    ) -> batch_pb2.CheckBatchResponse:
        """Read the whole stream, then check."""
        account = await self._callers.account(context)
        spec, items = await _read_submit(request_iterator)
        return await self._parts.dry_run.check(account, spec, items)

    async def GetBatch(self, request: batch_pb2.GetBatchRequest, context: Context) -> batch_pb2.Batch:
        """One batch."""
        mask = ReadMask(request.read_mask, batch_pb2.Batch)
        return await self._parts.reader.view(await self._batch(context, request.batch_id), mask)

    async def ListBatches(
        self, request: batch_pb2.ListBatchesRequest, context: Context
    ) -> batch_pb2.ListBatchesResponse:
        """A page of batches, newest first."""
        account = await self._callers.account(context)
        return await self._parts.reader.page(account["_id"], request)

    async def WatchBatch(
        self, request: batch_pb2.WatchBatchRequest, context: Context
    ) -> AsyncIterator[batch_pb2.Batch]:
        """A batch and its changes."""
        batch = await self._batch(context, request.batch_id)
        following = self._parts.watches.follow(batch["account_id"], batch["_id"], request.after_revision)
        async with aclosing(following) as changes:
            async for change in changes:
                yield change

    async def CancelBatch(self, request: batch_pb2.CancelBatchRequest, context: Context) -> batch_pb2.Batch:
        """Request the cancellation and show the batch after it."""
        await self._parts.canceller.request(await self._batch(context, request.batch_id))
        return await self._parts.reader.view(await self._batch(context, request.batch_id))

    async def ListItems(self, request: batch_pb2.ListItemsRequest, context: Context) -> batch_pb2.ListItemsResponse:
        """A page of items by index."""
        return await self._parts.item_reader.page(await self._batch(context, request.batch_id), request)

    async def ListAccountItems(
        self, request: batch_pb2.ListAccountItemsRequest, context: Context
    ) -> batch_pb2.ListAccountItemsResponse:
        """A page of the items of all batches."""
        account = await self._callers.account(context)
        return await self._parts.account_items.page(account["_id"], request)

    async def GetItem(self, request: batch_pb2.GetItemRequest, context: Context) -> batch_pb2.Item:
        """One item, with its bytes when it asked for them."""
        mask = ReadMask(request.read_mask, batch_pb2.Item)
        account = await self._callers.account(context)
        document, batch = await self._parts.ownership.item(account["_id"], request.item_id)
        return await self._item(document, batch, mask)

    async def ReadOutput(self, request: batch_pb2.ReadOutputRequest, context: Context) -> batch_pb2.ReadOutputResponse:
        """A part of an output that its caller wants as bytes."""
        if not 0 <= request.size <= LARGEST_PART:
            raise invalid(Violation("size", f"is from 1 to {LARGEST_PART} bytes"))
        if request.offset < 0:
            raise invalid(Violation("offset", "is not negative"))
        account = await self._callers.account(context)
        document, _ = await self._parts.ownership.item(account["_id"], request.item_id)
        if not (document["inline_data"] and document.get("outputs")):
            raise not_found("output", request.item_id)
        data = await self._part(document, request.offset, request.size or DEFAULT_PART)
        return batch_pb2.ReadOutputResponse(data=data)

    async def WaitItem(self, request: batch_pb2.WaitItemRequest, context: Context) -> batch_pb2.Item:
        """One item when it has ended, or as it is by then."""
        seconds = request.timeout.ToMilliseconds() / 1000
        if not 0 <= seconds <= LONGEST_WAIT_SECONDS:
            raise invalid(Violation("timeout", f"is from 0 to {LONGEST_WAIT_SECONDS} seconds"))
        account = await self._callers.account(context)
        _, batch = await self._parts.ownership.item(account["_id"], request.item_id)
        document = await self._parts.waiters.until_ended(request.item_id, seconds)
        if document is None:
            document, batch = await self._parts.ownership.item(account["_id"], request.item_id)
        return await self._item(document, batch, WHOLE_ITEM)

    async def RetryBatch(self, request: batch_pb2.RetryBatchRequest, context: Context) -> batch_pb2.CreateBatchResponse:
        """A new batch of an old one's failed items."""
        return await self._parts.retrier.retry(await self._callers.account(context), request)

    async def DeleteBatch(
        self, request: batch_pb2.DeleteBatchRequest, context: Context
    ) -> batch_pb2.DeleteBatchResponse:
        """Delete an ended batch; for one that is gone there is nothing to do."""
        account = await self._callers.account(context)
        try:
            await self._parts.remover.request(await self._parts.ownership.batch(account["_id"], request.batch_id))
        except PresslineError as error:
            if error.reason is not Reason.GONE:
                raise
        return batch_pb2.DeleteBatchResponse()

    async def _item(self, document: Document, batch: Document, mask: ReadMask) -> batch_pb2.Item:
        item = self._parts.item_reader.view(document, batch, mask)
        if document["inline_data"] and document.get("outputs") and mask.wants("data"):
            size = task_pb2.StoredOutput.FromString(document["outputs"][0]).output.size_bytes
            item.data = await self._part(document, 0, size) if size <= DEFAULT_PART else b""
        return item

    async def _part(self, document: Document, offset: int, size: int) -> bytes:
        stored = task_pb2.StoredOutput.FromString(document["outputs"][0])
        left = min(stored.output.size_bytes - offset, size)
        return await self._parts.blobs.get(stored.object_key, offset, left) if left > 0 else b""

    async def _batch(self, context: Context, batch_id: str) -> Document:
        account = await self._callers.account(context)
        return await self._parts.ownership.batch(account["_id"], batch_id)


async def _read_submit(
    stream: AsyncIterator[batch_pb2.CreateBatchRequest | batch_pb2.CheckBatchRequest],
) -> tuple[batch_pb2.BatchSpec, list[batch_pb2.ItemSpec]]:
    spec: batch_pb2.BatchSpec | None = None
    items: list[batch_pb2.ItemSpec] = []
    size = 0
    async for request in stream:
        size += request.ByteSize()
        if request.WhichOneof("part") == "spec":
            if spec is not None:
                raise invalid(Violation("spec", "is sent once"))
            spec = request.spec
        items.extend(request.items.items)
        if size > LARGEST_SUBMIT_BYTES or len(items) > ids.MAX_ITEMS:
            raise PresslineError(
                Reason.PAYLOAD_TOO_LARGE,
                f"A batch has at most {ids.MAX_ITEMS} items and {LARGEST_SUBMIT_BYTES} bytes.",
            )
    if spec is None:
        raise invalid(Violation("spec", "is the first message"))
    return spec, items

"""pressline.batch.v1.BatchService."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc

from pressline.batch.v1 import batch_pb2, batch_pb2_grpc
from pressline.task.v1 import task_pb2
from services.common import ids
from services.common.blobs import BlobStore
from services.common.errors import PresslineError, Reason, Violation, invalid, not_found
from services.scheduler import views
from services.scheduler.api.caller import Callers
from services.scheduler.cancel import Canceller
from services.scheduler.intake import Intake
from services.scheduler.progress import Progress
from services.scheduler.signer import Signer
from services.scheduler.store.database import Document
from services.scheduler.stores import Stores

Context = grpc.aio.ServicerContext[Any, Any]
DEFAULT_PAGE, LARGEST_PAGE = 100, 1_000
LARGEST_SUBMIT_BYTES = 80 * 1024 * 1024


class BatchService(batch_pb2_grpc.BatchServiceServicer):
    """Batches and items of the calling account."""

    def __init__(
        self,
        callers: Callers,
        stores: Stores,
        intake: Intake,
        canceller: Canceller,
        progress: Progress,
        signer: Signer,
        blobs: BlobStore,
    ) -> None:
        self._callers = callers
        self._stores = stores
        self._intake = intake
        self._canceller = canceller
        self._progress = progress
        self._signer = signer
        self._blobs = blobs

    async def CreateBatch(
        self, request_iterator: AsyncIterator[batch_pb2.CreateBatchRequest], context: Context
    ) -> batch_pb2.CreateBatchResponse:
        """Read the whole stream, then accept."""
        account = await self._callers.account(context)
        spec, items = await _read_submit(request_iterator)
        return await self._intake.create(account, spec, items)

    async def GetBatch(self, request: batch_pb2.GetBatchRequest, context: Context) -> batch_pb2.Batch:
        """One batch."""
        batch = await self._batch(context, request.batch_id)
        return views.batch(batch, await self._progress.counts(batch))

    async def CancelBatch(self, request: batch_pb2.CancelBatchRequest, context: Context) -> batch_pb2.Batch:
        """Request the cancellation and show the batch after it."""
        await self._canceller.request(await self._batch(context, request.batch_id))
        batch = await self._batch(context, request.batch_id)
        return views.batch(batch, await self._progress.counts(batch))

    async def ListItems(self, request: batch_pb2.ListItemsRequest, context: Context) -> batch_pb2.ListItemsResponse:
        """A page of items by index."""
        batch = await self._batch(context, request.batch_id)
        size = _page_size(request.page_size)
        first, skip = max(request.from_index, 0), max(request.skip, 0)
        if request.states:
            states = [views.item_state(state) for state in request.states]
            found = await self._stores.items.page_in_states(batch["_id"], states, first, skip, size + 1)
            by_state = await self._stores.items.counts(batch["_id"])
            total = sum(by_state.get(state, 0) for state in set(states))
        else:
            found = await self._stores.items.page(batch["_id"], first + skip, size + 1, batch["total"])
            total = batch["total"]
        page, more = found[:size], found[size:]
        return batch_pb2.ListItemsResponse(
            items=[views.item(item, batch["expires_ms"], self._signer.sign) for item in page],
            next_index=more[0]["index"] if more else 0,
            total=total,
        )

    async def GetItem(self, request: batch_pb2.GetItemRequest, context: Context) -> batch_pb2.Item:
        """One item, with its bytes when it asked for them."""
        account = await self._callers.account(context)
        document = await self._stores.items.get(request.item_id)
        if document is None or document["account_id"] != account["_id"]:
            raise not_found("item", request.item_id)
        batch = await self._batch(context, document["batch_id"])
        item = views.item(document, batch["expires_ms"], self._signer.sign)
        if document["inline_data"] and document.get("outputs"):
            key = task_pb2.StoredOutput.FromString(document["outputs"][0]).object_key
            item.data = await self._blobs.get(key)
        return item

    async def _batch(self, context: Context, batch_id: str) -> Document:
        account = await self._callers.account(context)
        batch = await self._stores.batches.get(batch_id)
        if batch is None or batch["account_id"] != account["_id"] or "creating" in batch:
            raise not_found("batch", batch_id)
        return batch


async def _read_submit(
    stream: AsyncIterator[batch_pb2.CreateBatchRequest],
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


def _page_size(asked: int) -> int:
    if asked < 0 or asked > LARGEST_PAGE:
        raise invalid(Violation("page_size", f"is from 1 to {LARGEST_PAGE}"))
    return asked or DEFAULT_PAGE

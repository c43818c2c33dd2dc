"""Deleting contents of assets that nobody needs any more: objects first, then what the library knows of them."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from services.common.blobs import BlobStore
from services.scheduler.clock import now_ms
from services.scheduler.library import GRACE_MS, Library
from services.scheduler.store.database import Document
from services.scheduler.stores import Stores

# A content that a running batch needs is looked at again after this.
RECHECK_MS = 300_000
ROUND_LIBRARIES = 50
ROUND_SETS = 200
log = structlog.get_logger()


class AssetSweeper:
    """Clears libraries, on every replica: each step may be repeated by anyone.

    Args:
        stores: the state.
        blobs: the contents.
        clock: the time in milliseconds.
    """

    def __init__(self, stores: Stores, blobs: BlobStore, clock: Callable[[], int] = now_ms) -> None:
        self._stores = stores
        self._blobs = blobs
        self._clock = clock

    async def sweep(self) -> None:
        """One round; what fails is left to a later one."""
        now = self._clock()
        for document in await self._stores.assets.due(now, ROUND_LIBRARIES):
            try:
                await self._clear(document, now)
            except Exception as error:
                log.warning("assets.not_cleared", account=document["_id"], error=repr(error))
        await self._stores.asset_sets.forget(now, ROUND_SETS)

    async def _clear(self, document: Document, now: int) -> None:
        account_id, library = document["_id"], Library.of(document)
        due = {each.key for each in library.loose if each.since_ms < now - GRACE_MS}
        gone = due - await self._needed(account_id)
        await self._blobs.delete(sorted(gone))
        left = library.cleared(gone)
        next_ms = left.due_ms if gone == due else now + RECHECK_MS
        if await self._stores.assets.put(account_id, library.version, left.fields, next_ms) and gone:
            log.info("assets.cleared", account=account_id, contents=len(gone))

    async def _needed(self, account_id: str) -> set[str]:
        """The contents that batches of the account which have not ended were submitted with."""
        batches = await self._stores.batches.active()
        pinned = {batch.get("asset_set_id", "") for batch in batches if batch["account_id"] == account_id} - {""}
        sets = [await self._stores.asset_sets.get(set_id) for set_id in sorted(pinned)]
        return {each.object_key for found in sets if found is not None for each in found.assets}

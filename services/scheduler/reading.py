"""Batches as their owners read them."""

from __future__ import annotations

import base64
import binascii
import re

from pressline.batch.v1 import batch_pb2
from services.common.errors import Violation, invalid
from services.scheduler import views
from services.scheduler.progress import Progress
from services.scheduler.store.batches import Batches, Place

DEFAULT_PAGE, LARGEST_PAGE = 20, 100
_PLACE = re.compile(r"([0-9]{1,15}):(batch_[0-9a-z]{1,40})")


class BatchReader:
    """Reads batches with their counts."""

    def __init__(self, batches: Batches, progress: Progress) -> None:
        self._batches = batches
        self._progress = progress

    async def now(self, batch_id: str) -> batch_pb2.Batch | None:
        """A batch counted this moment; None when there is none, or none any more."""
        batch = await self._batches.get(batch_id)
        if batch is None or "removing_ms" in batch:
            return None
        return views.batch(batch, await self._progress.counts(batch, max_age=0))

    async def page(self, account_id: str, request: batch_pb2.ListBatchesRequest) -> batch_pb2.ListBatchesResponse:
        """A page of an account's batches, newest first."""
        if not 0 <= request.page_size <= LARGEST_PAGE:
            raise invalid(Violation("page_size", f"is from 1 to {LARGEST_PAGE}"))
        size = request.page_size or DEFAULT_PAGE
        if batch_pb2.BATCH_STATE_UNSPECIFIED in request.states:
            raise invalid(Violation("states", "names a state"))
        states = [views.batch_state(state) for state in request.states]
        found = await self._batches.newest(account_id, states, _place(request.page_token), size + 1)
        page, more = found[:size], found[size:]
        return batch_pb2.ListBatchesResponse(
            batches=[views.batch(batch, await self._progress.counts(batch)) for batch in page],
            next_page_token=_token((page[-1]["created_ms"], page[-1]["_id"])) if more else "",
        )


def _token(place: Place) -> str:
    return base64.urlsafe_b64encode(f"{place[0]}:{place[1]}".encode()).decode().rstrip("=")


def _place(token: str) -> Place | None:
    if not token:
        return None
    try:
        match = _PLACE.fullmatch(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode())
    except (binascii.Error, ValueError):
        match = None
    if match is None:
        raise invalid(Violation("page_token", "is not from an earlier page"))
    return int(match[1]), match[2]

"""What batches were accepted with: every claim asks for it, and it never changes."""

from __future__ import annotations

from collections import OrderedDict

from services.scheduler.store.batches import Batches
from services.scheduler.store.database import Document

REMEMBERED_BATCHES = 200
# Large, and no claim asks for them.
_LEFT_OUT = ("metadata", "slots")


class AcceptedBatches:
    """Reads a batch once for many claims.

    One that is cancelled may be told as it was before: what was offered of it is taken back all the same. Those with
    passwords are read every time, because their key is sealed anew when the service's secret changes, and goes with the
    last item.
    """

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self._remembered: OrderedDict[str, Document] = OrderedDict()

    async def get(self, batch_id: str) -> Document | None:
        """A batch as it was accepted; None when there is none, or it was cancelled when it was read."""
        if batch_id in self._remembered:
            self._remembered.move_to_end(batch_id)
            return self._remembered[batch_id]
        batch = await self._batches.get(batch_id)
        if batch is None or "cancel_requested_ms" in batch:
            return None
        if "password_key" not in batch:
            self._remember(batch)
        return batch

    def _remember(self, batch: Document) -> None:
        self._remembered[batch["_id"]] = {name: value for name, value in batch.items() if name not in _LEFT_OUT}
        if len(self._remembered) > REMEMBERED_BATCHES:
            self._remembered.popitem(last=False)

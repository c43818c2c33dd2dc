"""Following one batch: what has ended since the last look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from pressline_client import Client, Item


@dataclass
class Followed:
    """A submitted batch whose first item is the table's row `first`."""

    id: str
    first: int
    finished: bool = False
    _ended: int = 0
    _cursor: str | None = None
    _seen: set[int] = field(default_factory=set)

    def newly_ended(self, client: Client) -> Iterator[Item]:
        """Items that ended since the last call, each once. Looks at pages only when the counts moved."""
        batch = client.batches.get(self.id)
        ended = batch.completed + batch.failed + batch.cancelled
        if ended > self._ended or batch.ended:
            self._ended = ended
            yield from self._read_pages(client)

    def _read_pages(self, client: Client) -> Iterator[Item]:
        # Items end roughly in order, so reading starts at the first page that still had open ones.
        while True:
            page = client.batches.page(self.id, cursor=self._cursor)
            for item in page.data:
                if item.ended and item.index not in self._seen:
                    self._seen.add(item.index)
                    yield item
            if not all(item.ended for item in page.data):
                return
            if page.next_cursor is None:
                self.finished = True
                return
            self._cursor = page.next_cursor
            self._seen.clear()

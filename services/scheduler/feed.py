"""The feed of an account's events, as it is read."""

from __future__ import annotations

from pydantic_core import from_json, to_json

from pressline.event.v1 import event_pb2
from services.common.errors import Violation, invalid
from services.scheduler import clock
from services.scheduler.store.database import Document
from services.scheduler.store.events import Events

LARGEST_PAGE = 100
KEPT_MS = 30 * clock.DAY_MS
# Deleted in one round of the sweep.
FORGOTTEN_AT_ONCE = 500


class Feed:
    """Reads events."""

    def __init__(self, events: Events) -> None:
        self._events = events

    async def page(self, account_id: str, request: event_pb2.ListEventsRequest) -> event_pb2.ListEventsResponse:
        """The events after a sequence, oldest first."""
        if not 0 <= request.page_size <= LARGEST_PAGE:
            raise invalid(Violation("page_size", f"is from 1 to {LARGEST_PAGE}"))
        if request.after_sequence < 0:
            raise invalid(Violation("after_sequence", "is not negative"))
        size = request.page_size or LARGEST_PAGE
        found = await self._events.after(account_id, request.after_sequence, size)
        more = len(found) == size and found[-1]["sequence"] < await self._events.last(account_id)
        return event_pb2.ListEventsResponse(events=[_view(event) for event in found], more=more)


def _view(event: Document) -> event_pb2.Event:
    return event_pb2.Event(
        id=event["event_id"],
        sequence=event["sequence"],
        type=event["type"],
        create_time=clock.timestamp(event["created_ms"]),
        data_json=to_json(from_json(event["body"])["data"]),
    )

"""pressline.event.v1.EventService."""

from __future__ import annotations

from typing import Any

import grpc

from pressline.event.v1 import event_pb2, event_pb2_grpc
from services.scheduler.api.caller import Callers
from services.scheduler.feed import Feed

Context = grpc.aio.ServicerContext[Any, Any]


class EventService(event_pb2_grpc.EventServiceServicer):
    """Events of the calling account."""

    def __init__(self, callers: Callers, feed: Feed) -> None:
        self._callers = callers
        self._feed = feed

    async def ListEvents(self, request: event_pb2.ListEventsRequest, context: Context) -> event_pb2.ListEventsResponse:
        """A page of the feed."""
        account = await self._callers.account(context)
        return await self._feed.page(account["_id"], request)

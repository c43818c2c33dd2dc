"""Events and subscriptions as JSON."""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json

from pressline.event.v1 import event_pb2
from pressline.webhook.v1 import webhook_pb2
from services.gateway.translate.values import timestamp


def feed(listed: event_pb2.ListEventsResponse) -> dict[str, Any]:
    """A page of the feed; its cursor is the `after` of the next page."""
    next_cursor = str(listed.events[-1].sequence) if listed.more else None
    return {"data": [_event(each) for each in listed.events], "next_cursor": next_cursor}


def subscription(stored: webhook_pb2.Subscription) -> dict[str, Any]:
    """A subscription in the Pictify dialect; its secret only where it is shown at all."""
    fields = {
        "id": stored.id,
        "url": stored.url,
        "events": list(stored.events),
        "active": not stored.disabled,
        "createdAt": timestamp(stored.create_time),
    }
    return {**fields, "secret": stored.secret} if stored.secret else fields


def _event(stored: event_pb2.Event) -> dict[str, Any]:
    return {
        "id": stored.id,
        "sequence": stored.sequence,
        "type": stored.type,
        "timestamp": timestamp(stored.create_time),
        "data": from_json(stored.data_json),
    }

"""Following a batch by server-sent events."""

from __future__ import annotations

import time
from collections.abc import Iterator

from pressline_client.models import Batch
from pressline_client.transport import Transport

AGAIN_SECONDS = 1.0


def changes(transport: Transport, batch_id: str) -> Iterator[Batch]:
    """The batch at each change until it has ended, over as many connections as it takes."""
    seen = "0"
    while True:
        for event in _events(transport, batch_id, seen):
            seen = event["id"]
            yield Batch.model_validate_json(event["data"])
            if event["event"] == "ended":
                return
        time.sleep(AGAIN_SECONDS)


def _events(transport: Transport, batch_id: str, seen: str) -> Iterator[dict[str, str]]:
    """The fields of each whole event; what a broken connection cut off is left out."""
    headers = {"Accept": "text/event-stream", "Last-Event-ID": seen}
    fields: dict[str, str] = {}
    for line in transport.lines(f"/v1/batches/{batch_id}/events", headers):
        name, _, value = line.partition(":")
        if line:
            fields[name] = value.removeprefix(" ")
        else:
            if "data" in fields:
                yield fields
            fields = {}

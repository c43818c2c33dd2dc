"""The headers of Standard Webhooks 1.0."""

from __future__ import annotations

from datetime import UTC, datetime

from standardwebhooks import Webhook


def headers(event_id: str, secrets: list[str], body: bytes, at: datetime) -> dict[str, str]:
    """Sign a body for one attempt.

    Args:
        event_id: the same on every attempt; receivers recognise repeats by it.
        secrets: `whsec_…`, one or, while a secret rotates, two; each adds a signature.
        body: UTF-8 JSON, sent exactly as given.
        at: when this attempt begins, with its time zone. Receivers refuse old timestamps.
    """
    # The library takes the clock time of any zone for UTC.
    moment = at.astimezone(UTC)
    text = body.decode()
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(event_id, moment, text) for secret in secrets),
    }

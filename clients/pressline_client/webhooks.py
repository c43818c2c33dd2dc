"""Checking that a webhook comes from the service: Standard Webhooks 1.0."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from pressline_client.errors import WebhookError

TOLERANCE_SECONDS = 5 * 60
_PREFIX = "whsec_"


def verify_webhook(headers: Mapping[str, str], body: bytes, secret: str, *, now: float | None = None) -> dict[str, Any]:
    """Check a received webhook and return its JSON.

    Args:
        headers: of the request, in any case.
        body: the request's bytes, untouched: a parsed and rewritten body has another signature.
        secret: `whsec_…`, from `Client.webhook_secret` or from the subscription.
        now: unix seconds; the clock's by default.

    Raises:
        WebhookError: when it is unsigned, wrongly signed, or its timestamp is more than 5 minutes off.
    """
    named = {name.lower(): value for name, value in headers.items()}
    identifier, timestamp = _required(named, "webhook-id"), _required(named, "webhook-timestamp")
    _check_age(timestamp, time.time() if now is None else now)
    expected = hmac.new(_key(secret), f"{identifier}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    # While a secret is being replaced, both the old and the new one sign.
    if not any(hmac.compare_digest(expected, given) for given in _signatures(_required(named, "webhook-signature"))):
        raise WebhookError("No signature of the webhook matches the secret.")
    return _payload(body)


def _required(headers: Mapping[str, str], name: str) -> str:
    if not headers.get(name):
        raise WebhookError(f"The webhook has no {name} header.")
    return headers[name]


def _check_age(timestamp: str, now: float) -> None:
    if not (timestamp.isascii() and timestamp.isdigit()):
        raise WebhookError("The webhook-timestamp header is not a whole number of seconds.")
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        raise WebhookError("The webhook's timestamp is more than 5 minutes off; it may be a replay.")


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise WebhookError("The secret is not of the form whsec_ and base64.") from error


def _signatures(header: str) -> list[bytes]:
    found = []
    for part in header.split():
        version, _, value = part.partition(",")
        if version == "v1":
            try:
                found.append(base64.b64decode(value, validate=True))
            except (binascii.Error, ValueError):
                continue
    return found


def _payload(body: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(body)
    except ValueError as error:
        raise WebhookError("The webhook's body is not JSON.") from error
    if not isinstance(payload, dict):
        raise WebhookError("The webhook's body is not a JSON object.")
    return payload

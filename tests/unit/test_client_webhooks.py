from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest
import standardwebhooks

from pressline_client import WebhookError, verify_webhook

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
OTHER = "whsec_" + base64.b64encode(b"o" * 32).decode()
BODY = json.dumps({"event": "batch.completed", "data": {"name": "Łukasz 🚀"}}, ensure_ascii=False)
NOW = 1_800_000_000


def signature(secret: str = SECRET, body: str = BODY, at: int = NOW) -> str:
    return standardwebhooks.Webhook(secret).sign("evt_1", datetime.fromtimestamp(at, UTC), body)


def headers(signed: str, at: str = str(NOW)) -> dict[str, str]:
    return {"Webhook-Id": "evt_1", "Webhook-Timestamp": at, "WEBHOOK-SIGNATURE": signed}


def test_what_the_standard_library_signs_is_accepted() -> None:
    payload = verify_webhook(headers(signature()), BODY.encode(), SECRET, now=NOW)

    assert payload["data"]["name"] == "Łukasz 🚀"


def test_one_of_several_signatures_is_enough() -> None:
    signed = f"v2,AAAA v1,%%% {signature(OTHER)} {signature()}"

    assert verify_webhook(headers(signed), BODY.encode(), SECRET, now=NOW)


@pytest.mark.parametrize("offset", [-300, 300])
def test_five_minutes_are_tolerated(offset: int) -> None:
    assert verify_webhook(headers(signature()), BODY.encode(), SECRET, now=NOW + offset)


@pytest.mark.parametrize(
    ("given", "body", "secret", "now", "words"),
    [
        (headers(signature()), BODY + " ", SECRET, NOW, "matches"),
        (headers(signature()), BODY, OTHER, NOW, "matches"),
        (headers(signature(), at=str(NOW + 1)), BODY, SECRET, NOW, "matches"),
        (headers("v1,"), BODY, SECRET, NOW, "matches"),
        (headers(signature()), BODY, SECRET, NOW + 301, "5 minutes"),
        (headers(signature()), BODY, SECRET, NOW - 301, "5 minutes"),
        (headers(signature(), at="soon"), BODY, SECRET, NOW, "timestamp"),
        (headers(""), BODY, SECRET, NOW, "webhook-signature"),
        ({}, BODY, SECRET, NOW, "webhook-id"),
        (headers(signature()), BODY, "whsec_%", NOW, "secret"),
        (headers(signature(body="[]")), "[]", SECRET, NOW, "object"),
    ],
)
def test_anything_else_is_refused(given: dict[str, str], body: str, secret: str, now: int, words: str) -> None:
    with pytest.raises(WebhookError, match=words):
        verify_webhook(given, body.encode(), secret, now=now)

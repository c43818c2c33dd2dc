from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from services.notifier.signing import headers

secrets = st.binary(min_size=24, max_size=64).map(lambda key: f"whsec_{base64.b64encode(key).decode()}")
ids = st.from_regex(r"evt_[a-z0-9]{1,30}", fullmatch=True)
documents = st.dictionaries(st.text(), st.text() | st.integers() | st.none(), max_size=4)
zones = st.integers(-12, 14).map(lambda hours: timezone(timedelta(hours=hours)))


@given(ids, st.lists(secrets, min_size=1, max_size=2, unique=True), documents, zones)
def test_every_secret_verifies_the_body(
    event_id: str, keys: list[str], document: dict[str, Any], zone: timezone
) -> None:
    body = json.dumps(document, ensure_ascii=False).encode()
    signed = headers(event_id, keys, body, datetime.now(UTC).astimezone(zone))
    for key in keys:
        assert Webhook(key).verify(body, signed) == json.loads(body)


@given(ids, st.lists(secrets, min_size=2, max_size=2, unique=True), documents)
def test_another_secret_body_or_id_does_not_verify(event_id: str, keys: list[str], document: dict[str, Any]) -> None:
    body = json.dumps(document).encode()
    signed = headers(event_id, keys[:1], body, datetime.now(UTC))
    for key, data, sent in (
        (keys[1], body, signed),
        (keys[0], body + b" ", signed),
        (keys[0], body, signed | {"webhook-id": "evt_"}),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(key).verify(data, sent)

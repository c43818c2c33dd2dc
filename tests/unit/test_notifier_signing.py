from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta, timezone

import pytest

from services.notifier.signing import headers

KEY = b"0123456789abcdef0123456789abcdef"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
OTHER = "whsec_" + base64.b64encode(KEY[::-1]).decode()
AT = datetime(2026, 3, 1, 12, 0, 0, 999_999, tzinfo=UTC)
BODY = '{"event":"batch.completed","name":"Zoë"}'.encode()


def test_the_signature_is_hmac_sha256_of_id_timestamp_and_body() -> None:
    signed = headers("evt_1", [SECRET], BODY, AT)
    mac = hmac.new(KEY, b"evt_1.1772366400." + BODY, hashlib.sha256).digest()
    assert signed == {
        "webhook-id": "evt_1",
        "webhook-timestamp": "1772366400",
        "webhook-signature": "v1," + base64.b64encode(mac).decode(),
    }


def test_a_rotating_secret_signs_twice_newest_first() -> None:
    both = headers("evt_1", [OTHER, SECRET], BODY, AT)["webhook-signature"]
    assert both.split(" ") == [headers("evt_1", [secret], BODY, AT)["webhook-signature"] for secret in (OTHER, SECRET)]


@pytest.mark.parametrize("hours", [-11, 2, 14])
def test_the_zone_of_the_clock_does_not_matter(hours: int) -> None:
    local = AT.astimezone(timezone(timedelta(hours=hours)))
    assert headers("evt_1", [SECRET], BODY, local) == headers("evt_1", [SECRET], BODY, AT)

"""Webhooks are sent as they are described."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from pressline.batch.v1 import batch_pb2
from services.scheduler import envelope
from services.scheduler.model import CANCELLED, FAILED, SUCCEEDED, Counts
from tests.support.description import exact, gateway

STATES = [SUCCEEDED, FAILED, CANCELLED]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return exact(gateway().openapi())


@pytest.mark.parametrize("dialect", [batch_pb2.DIALECT_PICTIFY, batch_pb2.DIALECT_DECKLE, batch_pb2.DIALECT_NATIVE])
@pytest.mark.parametrize("items", [3, 3000])
def test_what_is_sent_fits_the_description(
    document: dict[str, Any], dialect: batch_pb2.Dialect.ValueType, items: int
) -> None:
    described = document["webhooks"]["batch.completed"]["post"]["requestBody"]["content"]["application/json"]
    counts = Counts(total=items, succeeded=items // 3, failed=items // 3, cancelled=items // 3)
    sent = json.loads(envelope.body(dialect, "batch_1", "cancelled", counts, 1_900_000_000_123, STATES * (items // 3)))
    jsonschema.validate(sent, {**described["schema"], "components": document["components"]})

"""The request to try a batch again, from JSON to its RPC form."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pressline.batch.v1 import batch_pb2
from services.gateway.models.retries import RetryBody
from services.gateway.translate import retries
from services.gateway.violations import from_pydantic

FAILED, CANCELLED = batch_pb2.ITEM_STATE_FAILED, batch_pb2.ITEM_STATE_CANCELLED


def request(**body: Any) -> batch_pb2.RetryBatchRequest:
    return retries.request("batch_a", RetryBody.model_validate(body), None)


def test_what_is_left_out_stays_as_it_was() -> None:
    assert request() == batch_pb2.RetryBatchRequest(batch_id="batch_a", states=[FAILED])


def test_everything_given() -> None:
    given = request(
        statuses=["cancelled", "failed"], template_version=7, webhook_url="https://example.com/hook", metadata={"a": 1}
    )
    assert given == batch_pb2.RetryBatchRequest(
        batch_id="batch_a",
        states=[CANCELLED, FAILED],
        template_version=7,
        webhook_url="https://example.com/hook",
        metadata_json=b'{"a":1}',
    )


def test_a_null_takes_away() -> None:
    taken = request(webhook_url=None, metadata=None, template_version=None)
    assert (taken.HasField("webhook_url"), taken.webhook_url) == (True, "")
    assert (taken.HasField("metadata_json"), taken.metadata_json) == (True, b"")
    assert not taken.latest_template


def test_the_latest_version() -> None:
    latest = request(template_version="latest")
    assert (latest.latest_template, latest.template_version) == (True, 0)


@pytest.mark.parametrize("version", [0, -1, 2**31, True, 1.5, "1", "newest", []])
def test_versions_that_are_none(version: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        request(template_version=version)
    (violation,) = from_pydantic(refused.value.errors())
    assert violation.message == "must be a version from 1 on, or 'latest'"

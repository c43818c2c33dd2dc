"""Refusals fit the trailers that carry them, whatever callers put into their requests."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from google.rpc import code_pb2, error_details_pb2

from services.common.errors import PresslineError, Reason, Violation, invalid, not_found
from services.common.rpc_errors import DOMAIN, to_status

# What a client takes by default, less what other trailers need.
TRAILER_BYTES = 8192 - 400


@pytest.mark.parametrize(
    "error",
    [
        not_found("batch", "x" * 10_000),
        not_found("batch", "é" * 10_000),
        not_found("batch", "\N{GRINNING FACE}" * 10_000),
        PresslineError(Reason.INTERNAL_ERROR, "\x00" * 10_000),
        invalid(*(Violation(f"items[{number}].data_json", "is a JSON object") for number in range(10_000))),
        invalid(*(Violation("p" * 5_000, "\N{GRINNING FACE}" * 5_000) for _ in range(10))),
    ],
)
def test_a_status_fits_the_trailers(error: PresslineError) -> None:
    status = to_status(error)
    size = len(quote(status.message)) + len(base64.b64encode(status.SerializeToString()))
    assert size < TRAILER_BYTES
    assert len(status.details) == 1 + bool(error.violations)


def test_what_fits_is_whole() -> None:
    error = invalid(*(Violation(f"items[{number}]", "is wrong") for number in range(100)))
    status, carried = to_status(error), error_details_pb2.BadRequest()
    assert status.message == error.message
    assert status.details[1].Unpack(carried)
    assert [each.field for each in carried.field_violations] == [each.path for each in error.violations]


@pytest.mark.parametrize("reason", Reason)
def test_every_status_says_why_and_what_passes_says_when(reason: Reason) -> None:
    status = to_status(PresslineError(reason, "No."))
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    assert status.details[0].Unpack(info)
    assert (info.reason, info.domain) == (reason.value, DOMAIN)
    passing = status.code in {code_pb2.RESOURCE_EXHAUSTED, code_pb2.UNAVAILABLE}
    assert [detail.Unpack(retry) for detail in status.details[1:]] == [True] * passing
    assert bool(retry.retry_delay.ToMilliseconds()) == passing

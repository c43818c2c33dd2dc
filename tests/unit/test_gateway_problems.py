"""Refusals in both forms."""

from __future__ import annotations

import json

import pytest

from pressline.account.v1 import account_pb2
from services.common.errors import PresslineError, Reason, Violation, invalid
from services.gateway.auth import rate_headers
from services.gateway.problems import MAX_LISTED, STATUS, response
from services.gateway.translate.paths import DECKLE, NATIVE, PICTIFY, Renames, renamed
from services.gateway.violations import path

REFUSAL = invalid(Violation("a.b", "is wrong"), Violation("c", "is missing"))


def test_every_reason_has_a_status() -> None:
    assert set(STATUS) == set(Reason)


def test_a_problem() -> None:
    answer = response(REFUSAL, "/templates", "req_1")
    assert answer.headers["content-type"] == "application/problem+json"
    assert json.loads(bytes(answer.body)) == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "a.b: is wrong (and 1 more)",
        "code": "VALIDATION_ERROR",
        "errors": [{"path": "a.b", "message": "is wrong"}, {"path": "c", "message": "is missing"}],
        "requestId": "req_1",
    }


@pytest.mark.parametrize("where", ["/v1", "/v1/batches"])
def test_an_envelope(where: str) -> None:
    answer = response(REFUSAL, where, "req_1")
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(bytes(answer.body)) == {
        "error": {
            "code": "VALIDATION_ERROR",
            "message": "a.b: is wrong (and 1 more)",
            "fields": [{"path": "a.b", "message": "is wrong"}, {"path": "c", "message": "is missing"}],
            "request_id": "req_1",
        }
    }


def test_a_route_that_only_begins_like_v1_has_problems() -> None:
    assert response(REFUSAL, "/v1x", "r").headers["content-type"] == "application/problem+json"


def test_the_list_of_fields_is_bounded() -> None:
    many = invalid(*(Violation(f"items[{i}]", "is wrong") for i in range(MAX_LISTED + 5)))
    error = json.loads(bytes(response(many, "/v1/batches", "r").body))["error"]
    assert len(error["fields"]) == MAX_LISTED
    assert f"and {MAX_LISTED + 4} more" in error["message"]


def test_waiting_times_are_whole_seconds() -> None:
    assert response(PresslineError(Reason.RATE_LIMITED, "", retry_after=1.2), "/", "r").headers["retry-after"] == "2"
    assert response(PresslineError(Reason.CONFLICT, "", retry_after=0.1), "/", "r").headers["retry-after"] == "1"
    assert "retry-after" in response(PresslineError(Reason.SERVICE_UNAVAILABLE, ""), "/", "r").headers
    assert "retry-after" not in response(REFUSAL, "/", "r").headers


def test_401_names_the_scheme() -> None:
    assert response(PresslineError(Reason.UNAUTHORIZED, ""), "/", "r").headers["www-authenticate"] == "Bearer"


def test_rate_headers_in_both_forms() -> None:
    window = account_pb2.RateWindow(limit=60, remaining=7, reset_unix=1_000_060)
    assert rate_headers(window, now=1_000_020.9) == {
        "X-RateLimit-Limit": "60",
        "X-RateLimit-Remaining": "7",
        "X-RateLimit-Reset": "1000060",
        "RateLimit-Policy": '"minute";q=60;w=60',
        "RateLimit": '"minute";r=7;t=40',
    }


@pytest.mark.parametrize(
    ("location", "written"),
    [
        (("body",), "body"),
        (("body", "items", 3, "options", "format"), "items[3].options.format"),
        (("body", "items", 3, "options", "format", "<object>", "width"), "items[3].options.format.width"),
        (("body", "layouts", "A B", "[key]"), "layouts.A B"),
        (("query", "page"), "page"),
    ],
)
def test_paths_read_as_in_the_request(location: tuple[str | int, ...], written: str) -> None:
    assert path(location) == written


@pytest.mark.parametrize(
    ("renames", "contract", "request_path"),
    [
        (PICTIFY, "items", "variableSets"),
        (PICTIFY, "items[1].data_json", "variableSets[1]"),
        (PICTIFY, "spec.source.template_id", "template"),
        (PICTIFY, "spec.layouts", "layouts"),
        (PICTIFY, "spec.output.image.quality", "quality"),
        (PICTIFY, "spec.webhook_url", "webhookUrl"),
        (DECKLE, "items[0].source.template_id", "items[0].template"),
        (DECKLE, "items[0].source", "items[0]"),
        (DECKLE, "items[0].output.pdf.width", "items[0].options.format.width"),
        (DECKLE, "items[0].output.pdf.margin_top", "items[0].options.margin.top"),
        (DECKLE, "items[2].data_json", "items[2].data"),
        (DECKLE, "spec.webhook_url", "webhook"),
        (NATIVE, "spec.source.template_id", "defaults.template"),
        (NATIVE, "spec.output.pdf.height", "defaults.output.page_size.height"),
        (NATIVE, "items[7].source.html", "items[7].html"),
        (NATIVE, "items[7].output.image.width", "items[7].output.width"),
        (NATIVE, "spec.metadata_json", "metadata"),
        (NATIVE, "spec.idempotency.key", "Idempotency-Key"),
    ],
)
def test_fields_of_the_contract_are_named_as_in_the_request(renames: Renames, contract: str, request_path: str) -> None:
    error = renamed(invalid(Violation(contract, "is wrong")), renames)
    assert [violation.path for violation in error.violations] == [request_path]
    assert error.message == f"{request_path}: is wrong"

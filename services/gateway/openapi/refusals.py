"""The answers to refused calls, in both forms."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pydantic.json_schema import models_json_schema

from services.gateway.models.answers.errors import Envelope, Problem
from services.gateway.openapi.headers import RATE, refer

REQUEST_ID = "req_7k2m9q4x1c8v5b3n"
_FAULT = {"path": "items[3].options.format", "message": "must be 'A4', 'Letter' or 'Legal'"}


@dataclass(frozen=True)
class Refused:
    """What a status stands for.

    Attributes:
        description: of the status.
        examples: a message for each code that it comes with.
        headers: that it has beside the request's id.
    """

    description: str
    examples: dict[str, str]
    headers: tuple[str, ...] = RATE


REFUSALS: dict[int, Refused] = {
    400: Refused(
        "The request is not valid; every field at fault is listed.",
        {"VALIDATION_ERROR": "items[3].options.format: must be 'A4', 'Letter' or 'Legal'"},
    ),
    401: Refused(
        "The key is missing or unknown.",
        {"UNAUTHORIZED": "Send an API key as `Authorization: Bearer <key>`."},
        ("WWW-Authenticate",),
    ),
    403: Refused(
        "The key or the account's plan does not allow it.",
        {
            "FORBIDDEN": "This key lacks the scope 'submit'.",
            "PLAN_LIMIT_EXCEEDED": "A batch of this plan holds at most 10 items, not 11.",
            "USAGE_LIMIT_EXCEEDED": "1000 renders a month are allowed, 990 are used, and 20 more were asked for.",
        },
    ),
    404: Refused("There is no such thing in this account.", {"NOT_FOUND": "No batch has the id 'batch_unknown'."}),
    409: Refused(
        "It does not fit the present state.",
        {"CONFLICT": "The batch has ended already."},
        (*RATE, "Retry-After"),
    ),
    410: Refused("It has expired or was deleted.", {"GONE": "The results of this batch have expired."}),
    413: Refused("The body is too large.", {"PAYLOAD_TOO_LARGE": "The body is larger than 67108864 bytes."}),
    415: Refused(
        "The body is not declared as JSON.",
        {"UNSUPPORTED_MEDIA_TYPE": "The body must be sent as Content-Type: application/json."},
    ),
    422: Refused(
        "The Idempotency-Key was used with another body.",
        {"IDEMPOTENCY_KEY_REUSED": "This Idempotency-Key came with another body before."},
    ),
    429: Refused(
        "Too many requests in this minute, or too much that waits.",
        {"RATE_LIMITED": "More than 60 requests this minute; the next is welcome in 12 s."},
        (*RATE, "Retry-After"),
    ),
    500: Refused(
        "The service failed; the failure is logged under the request's id.",
        {"INTERNAL_ERROR": "The request failed here; the failure is logged under its id."},
        (),
    ),
    503: Refused(
        "A part of the service is away or full just now.",
        {"SERVICE_UNAVAILABLE": "The gateway is busy with other requests."},
        ("Retry-After",),
    ),
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route, for statuses beside those that its form alone brings about."""
    return {status: {"description": REFUSALS[status].description} for status in statuses}


def refer_to(path: str, status: int) -> dict[str, Any]:
    """The refusal of a path."""
    form = "Envelope" if path.startswith("/v1/") else "Problem"
    return {"$ref": f"#/components/responses/{form}{status}"}


def components() -> dict[str, dict[str, Any]]:
    """What `refer_to` refers to, and the schemas of it."""
    _, schemas = models_json_schema(
        [(Envelope, "serialization"), (Problem, "serialization")], ref_template="#/components/schemas/{model}"
    )
    envelopes = {f"Envelope{status}": _response(status, "Envelope") for status in REFUSALS}
    problems = {f"Problem{status}": _response(status, "Problem") for status in REFUSALS}
    return {"schemas": schemas["$defs"], "responses": envelopes | problems}


def _response(status: int, form: str) -> dict[str, Any]:
    refused = REFUSALS[status]
    write, media_type = (
        (_envelope, "application/json") if form == "Envelope" else (_problem, "application/problem+json")
    )
    examples = {code: {"value": write(status, code, message)} for code, message in refused.examples.items()}
    content = {"schema": {"$ref": f"#/components/schemas/{form}"}, "examples": examples}
    headers = refer(("X-Request-Id", *refused.headers))
    return {"description": refused.description, "headers": headers, "content": {media_type: content}}


def _envelope(status: int, code: str, message: str) -> dict[str, Any]:
    fields = {"fields": [_FAULT]} if status == HTTPStatus.BAD_REQUEST else {}
    return {"error": {"code": code, "message": message, **fields, "request_id": REQUEST_ID}}


def _problem(status: int, code: str, message: str) -> dict[str, Any]:
    problem = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": message}
    fields = {"errors": [_FAULT]} if status == HTTPStatus.BAD_REQUEST else {}
    return {**problem, "code": code, **fields, "requestId": REQUEST_ID}

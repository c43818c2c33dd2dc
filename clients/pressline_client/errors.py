"""What can go wrong, as types: every failure of this package is a `PresslineError`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class PresslineError(Exception):
    """The base of all errors of this package."""


class ConnectionFailedError(PresslineError):
    """The service could not be reached, or did not answer in time, after all retries."""


class WaitTimeoutError(PresslineError):
    """The batch had not ended when the caller's patience did."""


class DownloadError(PresslineError):
    """A file could not be fetched whole."""


class WebhookError(PresslineError):
    """A webhook is not what it claims to be: unsigned, wrongly signed, or too old."""


@dataclass(frozen=True)
class FieldError:
    """One field at fault. `path` is written as in the request, e.g. `items[3].output.format`."""

    path: str
    message: str


class ApiError(PresslineError):
    """The service refused a call.

    Attributes:
        status: HTTP status.
        code: the typed cause, e.g. `VALIDATION_ERROR`.
        message: one sentence.
        fields: every field at fault.
        request_id: names the call in the service's logs; empty when unknown.
    """

    def __init__(self, status: int, code: str, message: str, fields: tuple[FieldError, ...], request_id: str) -> None:
        super().__init__(f"{message} ({code})")
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields
        self.request_id = request_id


class ValidationError(ApiError):
    """400, 413 or 422: the request itself is wrong; `fields` says where."""


class AuthenticationError(ApiError):
    """401: the key is missing, unknown or revoked."""


class ForbiddenError(ApiError):
    """403: the key lacks the scope that the message names."""


class LimitExceededError(ApiError):
    """403: the account's plan does not allow it."""


class NotFoundError(ApiError):
    """404 or 410: there is no such thing, or no longer."""


class ConflictError(ApiError):
    """409: the thing is in a state that does not allow it."""


class RateLimitedError(ApiError):
    """429, still, after all retries."""


class ServerError(ApiError):
    """5xx, still, after all retries."""


_TYPES: dict[int, type[ApiError]] = {
    400: ValidationError,
    401: AuthenticationError,
    403: LimitExceededError,
    404: NotFoundError,
    409: ConflictError,
    410: NotFoundError,
    413: ValidationError,
    422: ValidationError,
    429: RateLimitedError,
}
# Where the status alone does not tell.
_TYPES_BY_CODE: dict[str, type[ApiError]] = {"FORBIDDEN": ForbiddenError}
_SERVER_ERRORS = 500


def from_response(status: int, body: bytes, headers: Mapping[str, str]) -> ApiError:
    """The error that a response stands for, also when a proxy in between answered with something else."""
    error = _refusal(body)
    code = str(error.get("code", f"HTTP_{status}"))
    by_status = ServerError if status >= _SERVER_ERRORS else _TYPES.get(status, ApiError)
    kind = _TYPES_BY_CODE.get(code, by_status)
    return kind(
        status,
        code,
        str(error.get("message", f"The service answered with HTTP {status}.")),
        _fields(error.get("fields")),
        str(error.get("request_id", headers.get("x-request-id", ""))),
    )


def _refusal(body: bytes) -> Mapping[str, Any]:
    """The fields of an error, from the envelope of the /v1 routes or from the problem details of all others."""
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    if not isinstance(document, dict):
        return {}
    if isinstance(document.get("error"), dict):
        return {"request_id": document.get("request_id", ""), **document["error"]}
    names = {"code": "code", "detail": "message", "errors": "fields", "requestId": "request_id"}
    return {name: document[key] for key, name in names.items() if "code" in document and key in document}


def _fields(value: object) -> tuple[FieldError, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(FieldError(str(f.get("path", "")), str(f.get("message", ""))) for f in value if isinstance(f, dict))

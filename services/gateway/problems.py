"""Every refusal as the caller reads it.

Routes under /v1 answer in the envelope `{"error": {…}}`, all others with RFC 9457 problem details.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from services.common.errors import PresslineError, Reason, Violation, invalid
from services.gateway import access
from services.gateway.responses import Json
from services.gateway.submitting import refused_dry_run
from services.gateway.violations import from_pydantic

# A batch of thousands of rows can be wrong in every one of them.
MAX_LISTED = 1000

STATUS: dict[Reason, int] = {
    Reason.VALIDATION_ERROR: 400,
    Reason.UNAUTHORIZED: 401,
    Reason.FORBIDDEN: 403,
    Reason.NOT_FOUND: 404,
    Reason.CONFLICT: 409,
    Reason.GONE: 410,
    Reason.PLAN_LIMIT_EXCEEDED: 403,
    Reason.USAGE_LIMIT_EXCEEDED: 403,
    Reason.RATE_LIMITED: 429,
    Reason.IDEMPOTENCY_KEY_REUSED: 422,
    Reason.PAYLOAD_TOO_LARGE: 413,
    Reason.SERVICE_UNAVAILABLE: 503,
    Reason.STALE_ATTEMPT: 409,
    Reason.INTERNAL_ERROR: 500,
}
# What only HTTP can get wrong, beside 404.
_HTTP_CODES = {
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
}
_RETRY_SECONDS = 2


def install(app: FastAPI) -> None:
    """Answer every failure of the app in the caller's dialect."""
    app.add_exception_handler(PresslineError, _on_pressline_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_failure)


def response(error: PresslineError, path: str, request_id: str) -> Response:
    """The answer to a refused request.

    Args:
        error: why it was refused.
        path: the request's path; it decides the form.
        request_id: repeated in the body, for support.
    """
    headers = {}
    if error.reason is Reason.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    retry_after = error.retry_after
    if retry_after is None and error.reason is Reason.SERVICE_UNAVAILABLE:
        retry_after = _RETRY_SECONDS
    if retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(retry_after)))
    answer = _render(path, STATUS[error.reason], error.reason.value, error.message, error.violations, request_id)
    answer.headers.update(headers)
    return answer


def _render(
    path: str, status: int, code: str, message: str, violations: Sequence[Violation], request_id: str
) -> Response:
    fields = [{"path": item.path, "message": item.message} for item in violations[:MAX_LISTED]]
    if path == "/v1" or path.startswith("/v1/"):
        error: dict[str, Any] = {"code": code, "message": message}
        if fields:
            error["fields"] = fields
        return Json({"error": {**error, "request_id": request_id}}, status)
    problem: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": message,
        "code": code,
    }
    if fields:
        problem["errors"] = fields
    return Json({**problem, "requestId": request_id}, status, media_type="application/problem+json")


def _id_of(request: Request) -> str:
    return str(request.state.request_id)


async def _on_pressline_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, PresslineError)  # noqa: S101 - the registration says so
    if error.reason is Reason.VALIDATION_ERROR and (report := refused_dry_run(request, error.violations)):
        return report
    return response(error, request.url.path, _id_of(request))


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - the registration says so
    violations = from_pydantic(error.errors())
    # A dry run reports on the body; what is wrong beside it is refused like anywhere.
    in_body = all(each["loc"][0] == "body" for each in error.errors())
    report = refused_dry_run(request, violations) if in_body else None
    return report or response(invalid(*violations), request.url.path, _id_of(request))


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - the registration says so
    path = request.url.path
    code = _HTTP_CODES.get(error.status_code, Reason.VALIDATION_ERROR.value)
    message = {
        404: f"There is nothing at {path}.",
        405: f"{path} does not take {request.method}.",
    }.get(error.status_code, error.detail)
    answer = _render(path, error.status_code, code, message, (), _id_of(request))
    answer.headers.update(error.headers or {})
    # The framework names the methods of the first route that fits.
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and (methods := access.methods_at(path)):
        answer.headers["Allow"] = ", ".join(methods)
    return answer


async def _on_failure(request: Request, _error: Exception) -> Response:
    error = PresslineError(Reason.INTERNAL_ERROR, "The request failed here; the failure is logged under its id.")
    return response(error, request.url.path, _id_of(request))

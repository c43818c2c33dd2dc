"""PresslineError ⇄ google.rpc.Status."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from typing import TypeVar

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from services.common.errors import PresslineError, Reason, Violation

DOMAIN = "pressline.dev"
# A status travels in the trailers, and a client drops trailers of more than 8 KiB.
MAX_MESSAGE_BYTES = 600
MAX_VIOLATIONS_BYTES = 3000
VIOLATION_FRAMING_BYTES = 8
# What passes by itself always says when it is worth trying again.
_RETRY_SECONDS = {Reason.RATE_LIMITED: 2.0, Reason.SERVICE_UNAVAILABLE: 2.0}
T = TypeVar("T")

_CODES: dict[Reason, int] = {
    Reason.VALIDATION_ERROR: code_pb2.INVALID_ARGUMENT,
    Reason.UNAUTHORIZED: code_pb2.UNAUTHENTICATED,
    Reason.FORBIDDEN: code_pb2.PERMISSION_DENIED,
    Reason.NOT_FOUND: code_pb2.NOT_FOUND,
    Reason.CONFLICT: code_pb2.FAILED_PRECONDITION,
    Reason.GONE: code_pb2.NOT_FOUND,
    Reason.PLAN_LIMIT_EXCEEDED: code_pb2.PERMISSION_DENIED,
    Reason.USAGE_LIMIT_EXCEEDED: code_pb2.PERMISSION_DENIED,
    Reason.RATE_LIMITED: code_pb2.RESOURCE_EXHAUSTED,
    Reason.IDEMPOTENCY_KEY_REUSED: code_pb2.ALREADY_EXISTS,
    Reason.PAYLOAD_TOO_LARGE: code_pb2.OUT_OF_RANGE,
    Reason.SERVICE_UNAVAILABLE: code_pb2.UNAVAILABLE,
    Reason.STALE_ATTEMPT: code_pb2.FAILED_PRECONDITION,
    Reason.INTERNAL_ERROR: code_pb2.INTERNAL,
}


def to_status(error: PresslineError) -> status_pb2.Status:
    """The wire form: ErrorInfo always, BadRequest and RetryInfo where they say something."""
    status = status_pb2.Status(code=_CODES[error.reason], message=_shortened(error.message))
    _attach(status, error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN))
    if error.violations:
        fields = [
            error_details_pb2.BadRequest.FieldViolation(field=item.path, description=item.message)
            for item in _fitting(error.violations)
        ]
        _attach(status, error_details_pb2.BadRequest(field_violations=fields))
    retry_after = _RETRY_SECONDS.get(error.reason) if error.retry_after is None else error.retry_after
    if retry_after is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(int(retry_after * 1000))
        _attach(status, error_details_pb2.RetryInfo(retry_delay=delay))
    return status


def from_rpc_error(error: grpc.aio.AioRpcError) -> PresslineError:
    """The error as it was raised on the other side; a transport failure becomes SERVICE_UNAVAILABLE."""
    try:
        status = rpc_status.from_call(error)
    except ValueError:  # The transport failed after the status was sent: its code is not the status's.
        status = None
    if status is None:
        return _transport_error(error)
    reason, retry_after = Reason.INTERNAL_ERROR, None
    violations: tuple[Violation, ...] = ()
    info, bad, retry = (
        error_details_pb2.ErrorInfo(),
        error_details_pb2.BadRequest(),
        error_details_pb2.RetryInfo(),
    )
    for detail in status.details:
        if detail.Unpack(info) and info.domain == DOMAIN and info.reason in Reason.__members__:
            reason = Reason(info.reason)
        elif detail.Unpack(bad):
            violations = tuple(Violation(item.field, item.description) for item in bad.field_violations)
        elif detail.Unpack(retry):
            retry_after = retry.retry_delay.ToMilliseconds() / 1000
    return PresslineError(reason, status.message, violations, retry_after)


async def translated(call: Awaitable[T]) -> T:
    """Await an RPC and raise its failure as a PresslineError."""
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from error


def _transport_error(error: grpc.aio.AioRpcError) -> PresslineError:
    busy = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED}
    if error.code() in busy:
        return PresslineError(Reason.SERVICE_UNAVAILABLE, "The service is not reachable just now.", retry_after=2)
    if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return PresslineError(Reason.PAYLOAD_TOO_LARGE, "The message is larger than the service takes.")
    return PresslineError(Reason.INTERNAL_ERROR, "The service failed to answer.")


def _shortened(message: str) -> str:
    encoded = message.encode(errors="replace")
    if len(encoded) <= MAX_MESSAGE_BYTES:
        return message
    return encoded[:MAX_MESSAGE_BYTES].decode(errors="ignore") + "…"


def _fitting(violations: tuple[Violation, ...]) -> Iterator[Violation]:
    """As many as fit, the first always; the message tells how many there are in all."""
    room = MAX_VIOLATIONS_BYTES
    for item in violations:
        short = Violation(_shortened(item.path), _shortened(item.message))
        room -= len(short.path.encode()) + len(short.message.encode()) + VIOLATION_FRAMING_BYTES
        if room < 0:
            return
        yield short


def _attach(status: status_pb2.Status, detail: Message) -> None:
    packed = any_pb2.Any()
    packed.Pack(detail)
    status.details.append(packed)

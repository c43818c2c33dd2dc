"""The one error model: a reason, a sentence, and the fields at fault. It crosses RPC unchanged."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a call was refused. Values are public and never reused for something else."""

    VALIDATION_ERROR = "VALIDATION_ERROR"
    UNAUTHORIZED = "UNAUTHORIZED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    GONE = "GONE"
    PLAN_LIMIT_EXCEEDED = "PLAN_LIMIT_EXCEEDED"
    USAGE_LIMIT_EXCEEDED = "USAGE_LIMIT_EXCEEDED"
    RATE_LIMITED = "RATE_LIMITED"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"
    STALE_ATTEMPT = "STALE_ATTEMPT"
    INTERNAL_ERROR = "INTERNAL_ERROR"


@dataclass(frozen=True)
class Violation:
    """One field at fault. `path` is written as in the request, e.g. `items[3].options.format`."""

    path: str
    message: str


class PresslineError(Exception):
    """A refusal that the caller is told about.

    Args:
        reason: the typed cause.
        message: one sentence for the caller.
        violations: every field at fault, for VALIDATION_ERROR.
        retry_after: seconds until it is worth trying again.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        violations: tuple[Violation, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.violations = violations
        self.retry_after = retry_after


def not_found(kind: str, identifier: str) -> PresslineError:
    """The answer for an unknown id and for another account's alike."""
    return PresslineError(Reason.NOT_FOUND, f"No {kind} has the id {identifier!r}.")


def invalid(*violations: Violation) -> PresslineError:
    """A validation error that names every field at fault."""
    first = violations[0]
    more = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
    return PresslineError(Reason.VALIDATION_ERROR, f"{first.path}: {first.message}{more}", violations)

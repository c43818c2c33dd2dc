"""Who calls: the bearer key, its account, and where its request window stands."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from pressline.account.v1 import account_pb2
from services.common.errors import PresslineError, Reason
from services.common.scopes import Scope
from services.gateway.scheduler import Stubs
from services.gateway.translate.accounts import SCOPES

WINDOW_SECONDS = 60
# What a header and gRPC metadata can carry; anything else cannot be a key.
_BEARER = re.compile(r"bearer +([!-~]{1,256}) *", re.IGNORECASE)


@dataclass(frozen=True)
class Caller:
    """A recognised key."""

    api_key: str
    account_id: str
    window: account_pb2.RateWindow
    allowed: bool
    scopes: frozenset[Scope]


async def admit(stubs: Stubs, authorization: str | None) -> Caller:
    """Recognise the caller and count the request.

    Raises:
        PresslineError: UNAUTHORIZED when the header is missing, malformed or names no key.
    """
    if not authorization:
        raise PresslineError(Reason.UNAUTHORIZED, "Send an API key as `Authorization: Bearer <key>`.")
    match = _BEARER.fullmatch(authorization)
    if match is None:
        raise PresslineError(Reason.UNAUTHORIZED, "The Authorization header must read `Bearer <key>`.")
    admitted = await stubs.admit(match[1])
    scopes = frozenset(SCOPES[scope] for scope in admitted.scopes)
    return Caller(match[1], admitted.account_id, admitted.window, admitted.allowed, scopes)


def rate_headers(window: account_pb2.RateWindow, now: float | None = None) -> dict[str, str]:
    """The window in both forms in use: X-RateLimit-* with unix seconds, and RateLimit with seconds left."""
    left = seconds_left(window, now)
    return {
        "X-RateLimit-Limit": str(window.limit),
        "X-RateLimit-Remaining": str(window.remaining),
        "X-RateLimit-Reset": str(window.reset_unix),
        "RateLimit-Policy": f'"minute";q={window.limit};w={WINDOW_SECONDS}',
        "RateLimit": f'"minute";r={window.remaining};t={left}',
    }


def refuse_if_spent(caller: Caller) -> None:
    """Raise RATE_LIMITED when the caller's window is spent."""
    if not caller.allowed:
        left = seconds_left(caller.window)
        message = f"More than {caller.window.limit} requests this minute; the next is welcome in {left} s."
        raise PresslineError(Reason.RATE_LIMITED, message, retry_after=left)


def seconds_left(window: account_pb2.RateWindow, now: float | None = None) -> int:
    """Whole seconds until the window ends, at least 1."""
    return max(1, window.reset_unix - int(time.time() if now is None else now))

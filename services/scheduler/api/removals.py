"""Removals that the transport repeats after an answer was lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc

from services.common.errors import PresslineError, Reason

# gRPC's own: how often the caller's transport has sent this call before.
ATTEMPTS_METADATA = "grpc-previous-rpc-attempts"


@contextmanager
def removal(context: grpc.aio.ServicerContext[Any, Any]) -> Iterator[None]:
    """Let a repeated removal succeed when there is nothing left to remove: an earlier attempt did it.

    Raises:
        PresslineError: NOT_FOUND at the first attempt, and everything else.
    """
    try:
        yield
    except PresslineError as error:
        repeated = any(name == ATTEMPTS_METADATA for name, _ in context.invocation_metadata() or ())
        if error.reason is not Reason.NOT_FOUND or not repeated:
            raise

"""Recognising the caller of a public method."""

from __future__ import annotations

from typing import Any

import grpc

from services.scheduler.accounts import AccountDesk
from services.scheduler.store.database import Document

SCHEME = "bearer "


class Callers:
    """Finds the account behind a call's `authorization` metadata."""

    def __init__(self, desk: AccountDesk) -> None:
        self._desk = desk

    async def account(self, context: grpc.aio.ServicerContext[Any, Any]) -> Document:
        """The calling account.

        Raises:
            PresslineError: UNAUTHORIZED.
        """
        metadata = dict(context.invocation_metadata() or ())
        value = str(metadata.get("authorization", ""))
        api_key = value[len(SCHEME) :].strip() if value.lower().startswith(SCHEME) else ""
        return await self._desk.of_key(api_key)

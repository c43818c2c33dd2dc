"""Recognising the caller of a public method, and whether the key may be used for it."""

from __future__ import annotations

from typing import Any

import grpc

from services.common import scopes
from services.common.errors import PresslineError, Reason
from services.common.interceptors import served_method
from services.scheduler.accounts import AccountDesk, Caller
from services.scheduler.store.database import Document

SCHEME = "bearer "
ACCOUNT_METADATA = "x-pressline-account"
Context = grpc.aio.ServicerContext[Any, Any]


class Callers:
    """Finds the account behind a call's `authorization` metadata."""

    def __init__(self, desk: AccountDesk) -> None:
        self._desk = desk

    async def account(self, context: Context) -> Document:
        """The calling account.

        Raises:
            PresslineError: UNAUTHORIZED, or FORBIDDEN when the key lacks the method's scope.
        """
        return (await self.caller(context)).account

    async def caller(self, context: Context) -> Caller:
        """The calling account and its key; raises as `account` does."""
        value = _metadata(context).get("authorization", "")
        api_key = value[len(SCHEME) :].strip() if value.lower().startswith(SCHEME) else ""
        caller = await self._desk.of_key(api_key)
        caller.require(scopes.of_method(served_method.get()))
        return caller


class Operators(Callers):
    """The same on the internal listener, where the service token has let the call in and metadata names the account."""

    async def caller(self, context: Context) -> Caller:
        """The account that an operator acts for."""
        account_id = _metadata(context).get(ACCOUNT_METADATA, "")
        if not account_id:
            raise PresslineError(Reason.VALIDATION_ERROR, f"The metadata {ACCOUNT_METADATA!r} names the account.")
        return await self._desk.of_id(account_id)


def _metadata(context: Context) -> dict[str, str]:
    return {name: str(value) for name, value in context.invocation_metadata() or ()}

"""pressline.account.v1: AccountService for key holders, AdmissionService for the gateway and operators."""

from __future__ import annotations

from typing import Any

import grpc

from pressline.account.v1 import account_pb2, account_pb2_grpc
from services.scheduler.accounts import AccountDesk
from services.scheduler.api.caller import Callers

Context = grpc.aio.ServicerContext[Any, Any]


class AccountService(account_pb2_grpc.AccountServiceServicer):
    """The calling account's standing."""

    def __init__(self, callers: Callers, desk: AccountDesk) -> None:
        self._callers = callers
        self._desk = desk

    async def GetUsage(self, _request: account_pb2.GetUsageRequest, context: Context) -> account_pb2.Usage:
        """Plan, limits and use."""
        return self._desk.usage(await self._callers.account(context))


class AdmissionService(account_pb2_grpc.AdmissionServiceServicer):
    """Admission of requests, and keys."""

    def __init__(self, desk: AccountDesk) -> None:
        self._desk = desk

    async def Admit(self, request: account_pb2.AdmitRequest, _context: Context) -> account_pb2.AdmitResponse:
        """Recognise and count."""
        return await self._desk.admit(request.api_key)

    async def CreateKey(
        self, request: account_pb2.CreateKeyRequest, _context: Context
    ) -> account_pb2.CreateKeyResponse:
        """Make a key."""
        return account_pb2.CreateKeyResponse(api_key=await self._desk.create_key(request.account_id, request.plan))

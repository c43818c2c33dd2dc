"""pressline.account.v1: AccountService for key holders and operators, AdmissionService for gateways and operators."""

from __future__ import annotations

from typing import Any

import grpc

from pressline.account.v1 import account_pb2, account_pb2_grpc
from services.common.errors import Violation, invalid
from services.scheduler import audit
from services.scheduler.accounts import AccountDesk
from services.scheduler.api.caller import Callers
from services.scheduler.api.removals import removal
from services.scheduler.audit import AuditLog
from services.scheduler.keyring import DEFAULT_GRACE_MS, KeyRing

Context = grpc.aio.ServicerContext[Any, Any]


class AccountService(account_pb2_grpc.AccountServiceServicer):
    """The calling account: its standing, its keys, its audit log, what its documents may load."""

    def __init__(self, callers: Callers, desk: AccountDesk, keyring: KeyRing, log: AuditLog) -> None:
        self._callers = callers
        self._desk = desk
        self._keyring = keyring
        self._log = log

    async def GetAccount(self, _request: account_pb2.GetAccountRequest, context: Context) -> account_pb2.Account:
        """The account and the calling key."""
        return self._desk.view(await self._callers.caller(context))

    async def GetUsage(self, _request: account_pb2.GetUsageRequest, context: Context) -> account_pb2.Usage:
        """Plan, limits and use."""
        return await self._desk.usage(await self._callers.account(context))

    async def ListKeys(self, _request: account_pb2.ListKeysRequest, context: Context) -> account_pb2.ListKeysResponse:
        """Every key."""
        account = await self._callers.account(context)
        return account_pb2.ListKeysResponse(keys=await self._keyring.all(account["_id"]))

    async def CreateKey(self, request: account_pb2.CreateKeyRequest, context: Context) -> account_pb2.CreateKeyResponse:
        """Another key."""
        caller = await self._callers.caller(context)
        given = [name for name in ("account_id", "plan") if getattr(request, name)]
        if given:
            raise invalid(*(Violation(name, "is not given here: the caller names the account") for name in given))
        return await self._keyring.create(caller.account["_id"], caller.actor, request)

    async def RevokeKey(self, request: account_pb2.RevokeKeyRequest, context: Context) -> account_pb2.RevokeKeyResponse:
        """End a key."""
        caller = await self._callers.caller(context)
        with removal(context):
            await self._keyring.revoke(caller.account["_id"], caller.actor, request.key_id)
        return account_pb2.RevokeKeyResponse()

    async def RotateKey(self, request: account_pb2.RotateKeyRequest, context: Context) -> account_pb2.CreateKeyResponse:
        """Replace a key."""
        caller = await self._callers.caller(context)
        given = request.HasField("grace_period")
        grace = request.grace_period.ToMilliseconds() if given else DEFAULT_GRACE_MS
        return await self._keyring.rotate(caller.account["_id"], caller.actor, request.key_id, grace)

    async def ListAuditEvents(
        self, request: account_pb2.ListAuditEventsRequest, context: Context
    ) -> account_pb2.ListAuditEventsResponse:
        """A page of the audit log."""
        account = await self._callers.account(context)
        return await self._log.page(account["_id"], request.page_size, request.page_token)

    async def SetEgressPolicy(
        self, request: account_pb2.SetEgressPolicyRequest, context: Context
    ) -> account_pb2.Account:
        """What the account's documents may load."""
        return await self._desk.set_egress(await self._callers.caller(context), request.egress)


class AdmissionService(account_pb2_grpc.AdmissionServiceServicer):
    """Admission of requests, and what only operators do."""

    def __init__(self, desk: AccountDesk, keyring: KeyRing) -> None:
        self._desk = desk
        self._keyring = keyring

    async def Admit(self, request: account_pb2.AdmitRequest, _context: Context) -> account_pb2.AdmitResponse:
        """Recognise and count."""
        return await self._desk.admit(request.api_key)

    async def CreateKey(
        self, request: account_pb2.CreateKeyRequest, _context: Context
    ) -> account_pb2.CreateKeyResponse:
        """Make a key, and the account if it is new."""
        account = await self._desk.open(request.account_id, request.plan)
        return await self._keyring.create(account["_id"], audit.OPERATOR, request)

    async def SetPlan(self, request: account_pb2.SetPlanRequest, _context: Context) -> account_pb2.Account:
        """Change a plan."""
        return await self._desk.set_plan(request.account_id, request.plan)

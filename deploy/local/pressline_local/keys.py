"""Accounts and their API keys, as the scheduler of the running stack keeps them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from enum import StrEnum

import grpc

from pressline.account.v1 import account_pb2, account_pb2_grpc
from pressline_local.folder import DataFolder
from pressline_local.ports import HOST
from services.common import rpc
from services.common.rpc_errors import translated
from services.common.scopes import Scope

CALL_SECONDS = 15.0
ACCOUNT_METADATA = "x-pressline-account"


class PlanName(StrEnum):
    """The plans, as the command line names them."""

    FREE = "free"
    PRO = "pro"
    BUSINESS = "business"
    ENTERPRISE = "enterprise"


class EgressName(StrEnum):
    """What documents may load from elsewhere, as the command line names it."""

    PUBLIC = "public"
    ALLOWLIST = "allowlist"
    NONE = "none"


class KeyForm(StrEnum):
    """How keys begin, as the command line names them."""

    PK_LIVE = "pk_live"
    PK_TEST = "pk_test"
    DK_LIVE_SK = "dk_live_sk"


async def create(
    folder: DataFolder,
    account: str,
    plan: PlanName,
    *,
    name: str = "",
    form: KeyForm = KeyForm.PK_LIVE,
    scopes: Sequence[Scope] = (),
) -> str:
    """A new key of an account, which is made if it is new.

    Raises:
        PresslineError: the scheduler refuses, or is not reachable; so do all functions here.
    """
    request = account_pb2.CreateKeyRequest(
        account_id=account,
        plan=_plan(plan),
        name=name,
        form=account_pb2.KeyForm.Value(f"KEY_FORM_{form.name}"),
        scopes=[account_pb2.Scope.Value(f"SCOPE_{scope.name}") for scope in scopes],
    )
    async with _channel(folder) as channel:
        stub = account_pb2_grpc.AdmissionServiceStub(channel)
        answer = await translated(stub.CreateKey(request, timeout=CALL_SECONDS))
    return answer.api_key


async def listed(folder: DataFolder, account: str) -> list[account_pb2.Key]:
    """An account's keys, newest first."""
    async with _channel(folder) as channel:
        call = account_pb2_grpc.AccountServiceStub(channel).ListKeys
        answer = await translated(
            call(account_pb2.ListKeysRequest(), metadata=_acting_for(account), timeout=CALL_SECONDS)
        )
    return list(answer.keys)


async def revoke(folder: DataFolder, account: str, key_id: str) -> None:
    """End a key at once."""
    async with _channel(folder) as channel:
        call = account_pb2_grpc.AccountServiceStub(channel).RevokeKey
        request = account_pb2.RevokeKeyRequest(key_id=key_id)
        await translated(call(request, metadata=_acting_for(account), timeout=CALL_SECONDS))


async def rotate(folder: DataFolder, account: str, key_id: str, grace: timedelta) -> str:
    """A key that takes another one's place, which works on for the grace period."""
    request = account_pb2.RotateKeyRequest(key_id=key_id)
    request.grace_period.FromTimedelta(grace)
    async with _channel(folder) as channel:
        call = account_pb2_grpc.AccountServiceStub(channel).RotateKey
        answer = await translated(call(request, metadata=_acting_for(account), timeout=CALL_SECONDS))
    return answer.api_key


async def set_plan(folder: DataFolder, account: str, plan: PlanName) -> None:
    """Put an account on a plan."""
    request = account_pb2.SetPlanRequest(account_id=account, plan=_plan(plan))
    async with _channel(folder) as channel:
        stub = account_pb2_grpc.AdmissionServiceStub(channel)
        await translated(stub.SetPlan(request, timeout=CALL_SECONDS))


async def set_egress(folder: DataFolder, account: str, mode: EgressName, hosts: Sequence[str]) -> None:
    """Say what an account's documents may load from elsewhere."""
    policy = account_pb2.EgressPolicy(mode=account_pb2.EgressMode.Value(f"EGRESS_MODE_{mode.name}"), hosts=hosts)
    request = account_pb2.SetEgressPolicyRequest(egress=policy)
    async with _channel(folder) as channel:
        call = account_pb2_grpc.AccountServiceStub(channel).SetEgressPolicy
        await translated(call(request, metadata=_acting_for(account), timeout=CALL_SECONDS))


@asynccontextmanager
async def _channel(folder: DataFolder) -> AsyncIterator[grpc.aio.Channel]:
    address = f"{HOST}:{folder.state()['ports']['scheduler.internal']}"
    async with rpc.channel(address, folder.secrets().service_token) as channel:
        yield channel


def _acting_for(account: str) -> tuple[tuple[str, str], ...]:
    return ((ACCOUNT_METADATA, account),)


def _plan(plan: PlanName) -> account_pb2.Plan.ValueType:
    return account_pb2.Plan.Value(f"PLAN_{plan.name}")

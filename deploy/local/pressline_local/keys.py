"""API keys, made by the scheduler of the running stack."""

from __future__ import annotations

from enum import StrEnum

from pressline.account.v1 import account_pb2, account_pb2_grpc
from pressline_local.folder import DataFolder
from pressline_local.ports import HOST
from services.common import rpc
from services.common.rpc_errors import translated

CALL_SECONDS = 15.0


class PlanName(StrEnum):
    """The plans, as the command line names them."""

    FREE = "free"
    PRO = "pro"
    BUSINESS = "business"
    ENTERPRISE = "enterprise"


async def create(folder: DataFolder, account: str, plan: PlanName) -> str:
    """A new key of an account, which is made if it is new.

    Raises:
        PresslineError: the scheduler refuses, or is not reachable.
    """
    address = f"{HOST}:{folder.state()['ports']['scheduler.internal']}"
    request = account_pb2.CreateKeyRequest(account_id=account, plan=account_pb2.Plan.Value(f"PLAN_{plan.name}"))
    async with rpc.channel(address, folder.secrets().service_token) as channel:
        stub = account_pb2_grpc.AdmissionServiceStub(channel)
        answer = await translated(stub.CreateKey(request, timeout=CALL_SECONDS))
    return answer.api_key

"""Calls about accounts and keys."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from pressline.account.v1 import account_pb2
from services.common.errors import PresslineError
from services.common.rpc_errors import from_rpc_error
from tests.support.scheduler import Client

CreateKey, RotateKey, RevokeKey = (
    account_pb2.CreateKeyRequest,
    account_pb2.RotateKeyRequest,
    account_pb2.RevokeKeyRequest,
)


async def refused(call: Any) -> PresslineError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return from_rpc_error(caught.value)


async def made(client: Client, **fields: Any) -> account_pb2.CreateKeyResponse:
    return await client.account.CreateKey(CreateKey(name="made", **fields), metadata=client.auth)


def bearing(client: Client, key: str) -> Client:
    return Client(client.public, client.internal, key)


async def opens(client: Client, key: str) -> bool:
    call = client.account.GetAccount(account_pb2.GetAccountRequest(), metadata=bearing(client, key).auth)
    try:
        await call
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.UNAUTHENTICATED:
            raise
        return False
    return True

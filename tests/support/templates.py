"""Calls about templates and the batches that render them."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

import grpc
import pytest

from pressline.batch.v1 import batch_pb2
from pressline.template.v1 import template_pb2
from services.common.errors import PresslineError
from services.common.rpc_errors import from_rpc_error
from tests.support.scheduler import PNG, Client

READY, CHECKING, INVALID = (
    template_pb2.TEMPLATE_STATUS_READY,
    template_pb2.TEMPLATE_STATUS_CHECKING,
    template_pb2.TEMPLATE_STATUS_INVALID,
)


CARD = "<b>{{name}}</b><i>{{total}}</i>"


Content = template_pb2.TemplateContent


def new_account() -> str:
    """The tests' schedulers share a bus, which takes one request to look through a document of an account at a time."""
    return f"acme-{secrets.token_hex(4)}"


async def create(client: Client, content: Content, key: str = "", body: bytes = b"") -> template_pb2.Template:
    request = template_pb2.CreateTemplateRequest(content=content)
    if key:
        scope = "POST /templates"
        request.idempotency.CopyFrom(batch_pb2.IdempotencyKey(key=key, scope=scope, fingerprint=body))
    return await client.templates.CreateTemplate(request, metadata=client.auth)


async def read(client: Client, template_id: str, version: int = 0) -> template_pb2.Template:
    request = template_pb2.GetTemplateRequest(template_id=template_id, version=version)
    return await client.templates.GetTemplate(request, metadata=client.auth)


async def update(client: Client, template_id: str, content: Content) -> template_pb2.Template:
    request = template_pb2.UpdateTemplateRequest(template_id=template_id, content=content)
    return await client.templates.UpdateTemplate(request, metadata=client.auth)


async def delete(client: Client, template_id: str) -> None:
    request = template_pb2.DeleteTemplateRequest(template_id=template_id)
    await client.templates.DeleteTemplate(request, metadata=client.auth)


async def refusal(call: object) -> PresslineError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call  # type: ignore[misc]
    return from_rpc_error(caught.value)


async def submit(client: Client, template_id: str, *rows: bytes, **fields: object) -> batch_pb2.CreateBatchResponse:
    spec = batch_pb2.BatchSpec(
        dialect=batch_pb2.DIALECT_NATIVE,
        source=batch_pb2.Source(template_id=template_id),
        output=PNG,
        **fields,  # type: ignore[arg-type]
    )
    return await client.submit_items(spec, [batch_pb2.ItemSpec(data_json=row) for row in rows])


async def check(client: Client, source: batch_pb2.Source, *items: batch_pb2.ItemSpec) -> batch_pb2.CheckBatchResponse:
    spec = batch_pb2.BatchSpec(dialect=batch_pb2.DIALECT_NATIVE, source=source, output=PNG)

    async def messages() -> AsyncIterator[batch_pb2.CheckBatchRequest]:
        yield batch_pb2.CheckBatchRequest(spec=spec)
        yield batch_pb2.CheckBatchRequest(items=batch_pb2.ItemChunk(items=items))

    return await client.batches.CheckBatch(messages(), metadata=client.auth)


def names(template: template_pb2.Template) -> list[str]:
    return [variable.name for variable in template.variables]

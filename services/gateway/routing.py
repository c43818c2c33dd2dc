"""What routes are made of: the body as checked JSON, and the scheduler in the caller's name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine, Iterable
from email.message import Message as ContentType
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.routing import APIRoute

from pressline.batch.v1 import batch_pb2
from pressline.template.v1 import template_pb2
from services.common.errors import PresslineError
from services.common.failpoints import Failpoint, failpoint
from services.gateway import access, jsonbody
from services.gateway.load import too_large
from services.gateway.scheduler import Scheduler
from services.gateway.translate.chunks import messages
from services.gateway.translate.paths import Renames, renamed


def router(api: str = "Native") -> APIRouter:
    """A router whose bodies are read by this module.

    Args:
        api: the API that its routes belong to, as the description groups them.
    """
    return APIRouter(route_class=_JsonRoute, tags=[api])


def _scheduler(request: Request) -> Scheduler:
    scheduler: Scheduler = request.state.scheduler
    return scheduler


CallerScheduler = Annotated[Scheduler, Depends(_scheduler)]


async def create_batch(
    request: Request,
    scheduler: Scheduler,
    spec: batch_pb2.BatchSpec,
    items: Iterable[batch_pb2.ItemSpec],
    renames: Renames,
) -> batch_pb2.CreateBatchResponse:
    """Submit a batch, under the request's Idempotency-Key where it has one.

    Raises:
        PresslineError: the batch is refused; fields at fault are named by `renames`, as in the request.
    """
    key = await idempotency_key(request)
    if key is not None:
        spec.idempotency.CopyFrom(key)
    try:
        created = await scheduler.create_batch(list(messages(spec, items)))
    except PresslineError as error:
        raise renamed(error, renames) from error
    failpoint(Failpoint.CREATE_ACCEPTED)
    return created


async def store_template(
    request: Request, scheduler: Scheduler, content: template_pb2.TemplateContent
) -> template_pb2.Template:
    """Store a template, under the request's Idempotency-Key where it has one."""
    message = template_pb2.CreateTemplateRequest(content=content, idempotency=await idempotency_key(request))
    return await scheduler.call(scheduler.stubs.templates.CreateTemplate, message)


async def idempotency_key(request: Request) -> batch_pb2.IdempotencyKey | None:
    """The request's Idempotency-Key with what it is scoped to. Routes that ask for it declare it as IDEMPOTENT."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    fingerprint = hashlib.sha256(await request.body()).digest()
    return batch_pb2.IdempotencyKey(key=key, scope=f"{request.method} {request.url.path}", fingerprint=fingerprint)


class _JsonRoute(APIRoute):
    """Reads the body with our own parser, which keeps integers exact and explains what it refuses."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        takes_body, needed = self.body_field is not None, access.needed(self)
        may_be_empty = self.body_field is not None and not self.body_field.field_info.is_required()

        async def read_first(request: Request) -> Response:
            access.require(needed, request.state.scopes)
            return await handle(await _parsed(request, may_be_empty=may_be_empty) if takes_body else request)

        return read_first


class _ParsedRequest(Request):
    parsed: Any = None

    async def json(self) -> Any:
        return self.parsed


async def _parsed(request: Request, *, may_be_empty: bool) -> Request:
    content_type = request.headers.get("content-type", "")
    if not may_be_empty:
        _require_json(content_type)
    parsed = _ParsedRequest(request.scope, request.receive)
    body = await read_body(parsed, request.app.state.max_body_bytes)
    if body or not may_be_empty:
        _require_json(content_type)
        parsed.parsed = request.state.body = jsonbody.parse(body)
    return parsed


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body, refused when it is compressed and as soon as it grows beyond the limit in bytes."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(415, "The body must be sent as it is, without a Content-Encoding.")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise too_large(limit)
    # Where Starlette keeps a body that was read; the framework and create_batch ask for it again.
    request._body = bytes(body)  # noqa: SLF001 - there is no public way to hand it over
    return request._body  # noqa: SLF001 - likewise


def _require_json(content_type: str) -> None:
    header = ContentType()
    header["content-type"] = content_type
    subtype = header.get_content_subtype()
    if header.get_content_maintype() != "application" or not (subtype == "json" or subtype.endswith("+json")):
        raise HTTPException(415, "The body must be sent as Content-Type: application/json.")

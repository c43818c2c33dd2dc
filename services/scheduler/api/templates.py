"""pressline.template.v1.TemplateService."""

from __future__ import annotations

import re
from typing import Any

import grpc

from pressline.template.v1 import template_pb2, template_pb2_grpc
from services.common import ids
from services.common.errors import Violation, invalid, not_found
from services.scheduler import checks, clock
from services.scheduler.api.caller import Callers
from services.scheduler.store.templates import Templates
from services.scheduler.templates import view

Context = grpc.aio.ServicerContext[Any, Any]
DEFAULT_PAGE, LARGEST_PAGE = 100, 1_000
_PAGE_TOKEN = re.compile("[0-9]{0,9}")


class TemplateService(template_pb2_grpc.TemplateServiceServicer):
    """Templates of the calling account."""

    def __init__(self, callers: Callers, templates: Templates) -> None:
        self._callers = callers
        self._templates = templates

    async def CreateTemplate(
        self, request: template_pb2.CreateTemplateRequest, context: Context
    ) -> template_pb2.Template:
        """Store version 1."""
        account = await self._callers.account(context)
        content = _checked(request.content)
        return view(await self._templates.insert(ids.new("tmpl"), account["_id"], content, clock.now_ms()))

    async def GetTemplate(self, request: template_pb2.GetTemplateRequest, context: Context) -> template_pb2.Template:
        """The latest version."""
        account = await self._callers.account(context)
        found = await self._templates.get(account["_id"], request.template_id)
        if found is None:
            raise not_found("template", request.template_id)
        return view(found)

    async def ListTemplates(
        self, request: template_pb2.ListTemplatesRequest, context: Context
    ) -> template_pb2.ListTemplatesResponse:
        """A page, newest first; the token is the number of templates before it."""
        account = await self._callers.account(context)
        size = request.page_size or DEFAULT_PAGE
        if not 0 < size <= LARGEST_PAGE:
            raise invalid(Violation("page_size", f"is from 1 to {LARGEST_PAGE}"))
        skip = _skip(request.page_token)
        found = await self._templates.newest(account["_id"], skip, size + 1)
        return template_pb2.ListTemplatesResponse(
            templates=[view(document, with_html=False) for document in found[:size]],
            next_page_token=str(skip + size) if len(found) > size else "",
        )

    async def UpdateTemplate(
        self, request: template_pb2.UpdateTemplateRequest, context: Context
    ) -> template_pb2.Template:
        """Store the next version."""
        account = await self._callers.account(context)
        content = _checked(request.content)
        changed = await self._templates.replace(account["_id"], request.template_id, content, clock.now_ms())
        if changed is None:
            raise not_found("template", request.template_id)
        return view(changed)

    async def DeleteTemplate(
        self, request: template_pb2.DeleteTemplateRequest, context: Context
    ) -> template_pb2.DeleteTemplateResponse:
        """Delete it."""
        account = await self._callers.account(context)
        if not await self._templates.delete(account["_id"], request.template_id):
            raise not_found("template", request.template_id)
        return template_pb2.DeleteTemplateResponse()


def _skip(page_token: str) -> int:
    if not _PAGE_TOKEN.fullmatch(page_token):
        raise invalid(Violation("page_token", "is not from an earlier page"))
    return int(page_token or 0)


def _checked(content: template_pb2.TemplateContent) -> bytes:
    violations = checks.template(content)
    if violations:
        raise invalid(*violations)
    return content.SerializeToString(deterministic=True)

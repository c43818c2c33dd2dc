"""pressline.template.v1.TemplateService."""

from __future__ import annotations

import itertools
import re
from typing import Any

import grpc

from pressline.template.v1 import template_pb2, template_pb2_grpc
from services.scheduler import paging
from services.scheduler.api.caller import Callers
from services.scheduler.api.removals import removal
from services.scheduler.masks import ReadMask
from services.scheduler.templates import TemplateDesk

Context = grpc.aio.ServicerContext[Any, Any]
DEFAULT_PAGE, LARGEST_PAGE = 100, 1_000
LARGEST_PAGE_BYTES = 8_000_000
_PAGE_TOKEN = re.compile("[0-9]{0,9}")


class TemplateService(template_pb2_grpc.TemplateServiceServicer):
    """Templates of the calling account."""

    def __init__(self, callers: Callers, desk: TemplateDesk) -> None:
        self._callers = callers
        self._desk = desk

    async def CreateTemplate(
        self, request: template_pb2.CreateTemplateRequest, context: Context
    ) -> template_pb2.Template:
        """Store version 1."""
        account = await self._callers.account(context)
        return await self._desk.create(account["_id"], request)

    async def GetTemplate(self, request: template_pb2.GetTemplateRequest, context: Context) -> template_pb2.Template:
        """One version, by default the latest."""
        mask = ReadMask(request.read_mask, template_pb2.Template)
        account = await self._callers.account(context)
        return mask.trim(await self._desk.get(account["_id"], request.template_id, request.version))

    async def ListTemplates(
        self, request: template_pb2.ListTemplatesRequest, context: Context
    ) -> template_pb2.ListTemplatesResponse:
        """A page, newest first; the token is the number of templates before it."""
        account = await self._callers.account(context)
        size = paging.size(request.page_size, DEFAULT_PAGE, LARGEST_PAGE)
        mask = ReadMask(request.read_mask, template_pb2.Template)
        skip = _skip(request.page_token)
        inspected = mask.wants("variables", "status", "problems")
        found = await self._desk.newest(account["_id"], skip, size + 1, inspected=inspected)
        shown = _fitting([mask.trim(template) for template in found[:size]])
        return template_pb2.ListTemplatesResponse(
            templates=shown,
            next_page_token=str(skip + len(shown)) if len(found) > len(shown) else "",
        )

    async def UpdateTemplate(
        self, request: template_pb2.UpdateTemplateRequest, context: Context
    ) -> template_pb2.Template:
        """Store the next version."""
        account = await self._callers.account(context)
        return await self._desk.replace(account["_id"], request.template_id, request.content)

    async def DeleteTemplate(
        self, request: template_pb2.DeleteTemplateRequest, context: Context
    ) -> template_pb2.DeleteTemplateResponse:
        """Delete it."""
        account = await self._callers.account(context)
        with removal(context):
            await self._desk.delete(account["_id"], request.template_id)
        return template_pb2.DeleteTemplateResponse()


def _fitting(templates: list[template_pb2.Template]) -> list[template_pb2.Template]:
    """The first ones, as many as one message holds."""
    sizes = itertools.accumulate(template.ByteSize() for template in templates)
    return templates[: max(1, sum(size <= LARGEST_PAGE_BYTES for size in sizes))]


def _skip(page_token: str) -> int:
    if not _PAGE_TOKEN.fullmatch(page_token):
        raise paging.unknown_token()
    return int(page_token or 0)

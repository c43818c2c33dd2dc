"""The template routes, which both dialects have; they differ in names only."""

# FastAPI reads annotations, and here they name arguments of the function around: they are evaluated at once.

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel

from pressline.template.v1 import template_pb2
from services.gateway.models.templates import TemplateBody
from services.gateway.openapi.refusals import refusals
from services.gateway.parameters import IDEMPOTENT, Cursor, Limit, Version
from services.gateway.responses import Json, created
from services.gateway.routing import CallerScheduler, store_template
from services.gateway.translate import templates


@dataclass(frozen=True)
class Dialect:
    """How a dialect writes templates.

    Attributes:
        path: of the list.
        id_name: name of the path parameter that holds a template's id.
        view: a template as JSON, with or without its documents.
        page: a page of templates, already as JSON, with the cursor of the next page.
        answer: describes a template.
        list_answer: describes a page.
    """

    path: str
    id_name: str
    view: Callable[..., dict[str, Any]]
    page: Callable[[Sequence[dict[str, Any]], str | None], dict[str, Any]]
    answer: type[BaseModel]
    list_answer: type[BaseModel]


def add_routes(routes: APIRouter, dialect: Dialect) -> None:
    """Add creating, listing, reading, changing and deleting templates to a dialect's routes."""
    one = f"{dialect.path}/{{{dialect.id_name}}}"
    Id = Annotated[str, Path(alias=dialect.id_name, description="Of the template.")]  # noqa: N806 - a type

    @routes.post(dialect.path, status_code=201, response_model=dialect.answer, dependencies=[IDEMPOTENT])
    async def create_template(body: TemplateBody, request: Request, scheduler: CallerScheduler) -> Response:
        """Store a template, and list the variables that it takes."""
        stored = await store_template(request, scheduler, templates.content(body))
        return created(dialect.view(stored), replayed=stored.replayed)

    @routes.get(dialect.path, response_model=dialect.list_answer)
    async def list_templates(scheduler: CallerScheduler, limit: Limit = 100, cursor: Cursor = "") -> Response:
        """List templates, newest first."""
        request = template_pb2.ListTemplatesRequest(page_size=limit, page_token=cursor)
        listed = await scheduler.call(scheduler.stubs.templates.ListTemplates, request)
        found = [dialect.view(each, with_content=False) for each in listed.templates]
        return Json(dialect.page(found, listed.next_page_token or None))

    @routes.get(one, response_model=dialect.answer)
    async def get_template(template_id: Id, scheduler: CallerScheduler, version: Version = None) -> Response:
        """Read a template: its latest version, or the one asked for."""
        return Json(dialect.view(await read(scheduler, template_id, version)))

    @routes.put(one, response_model=dialect.answer, responses=refusals(409))
    async def update_template(template_id: Id, body: TemplateBody, scheduler: CallerScheduler) -> Response:
        """Replace a template's content with a new version."""
        request = template_pb2.UpdateTemplateRequest(template_id=template_id, content=templates.content(body))
        return Json(dialect.view(await scheduler.call(scheduler.stubs.templates.UpdateTemplate, request)))

    @routes.delete(one, status_code=204)
    async def delete_template(template_id: Id, scheduler: CallerScheduler) -> Response:
        """Delete a template; batches already submitted still render it."""
        request = template_pb2.DeleteTemplateRequest(template_id=template_id)
        await scheduler.call(scheduler.stubs.templates.DeleteTemplate, request)
        return Response(status_code=204)


async def read(scheduler: CallerScheduler, template_id: str, version: int | None) -> template_pb2.Template:
    """One template: its latest version, or the one asked for."""
    request = template_pb2.GetTemplateRequest(template_id=template_id, version=version or 0)
    return await scheduler.call(scheduler.stubs.templates.GetTemplate, request)

"""Templates as the API and the intake see them."""

from __future__ import annotations

from collections.abc import Iterable

from pressline.template.v1 import template_pb2
from services.scheduler import clock
from services.scheduler.resolve import Template
from services.scheduler.store.database import Document
from services.scheduler.store.templates import Templates


async def load_all(templates: Templates, account_id: str, named: Iterable[str]) -> dict[str, Template]:
    """The account's templates among those named, by id."""
    found = [await templates.get(account_id, template_id) for template_id in named]
    return {document["_id"]: _template(document) for document in found if document is not None}


def view(document: Document, *, with_html: bool = True) -> template_pb2.Template:
    """A stored template as its owner sees it."""
    content = template_pb2.TemplateContent.FromString(document["content"])
    if not with_html:
        content.ClearField("html")
        for layout in content.layouts.values():
            layout.ClearField("html")
    return template_pb2.Template(
        id=document["_id"],
        version=document["version"],
        content=content,
        create_time=clock.timestamp(document["created_ms"]),
        update_time=clock.timestamp(document["updated_ms"]),
    )


def _template(document: Document) -> Template:
    return Template(document["_id"], document["version"], template_pb2.TemplateContent.FromString(document["content"]))

"""Templates: request to RPC message, RPC message to JSON."""

from __future__ import annotations

from typing import Any

from pressline.template.v1 import template_pb2
from services.gateway.models.templates import LayoutBody, TemplateBody
from services.gateway.translate.values import timestamp

_MISSING = {"error": template_pb2.MISSING_POLICY_ERROR, "empty": template_pb2.MISSING_POLICY_EMPTY}


def content(body: TemplateBody) -> template_pb2.TemplateContent:
    """What is stored of a template."""
    return template_pb2.TemplateContent(
        name=body.name,
        html=body.html,
        width=body.width,
        height=body.height,
        layouts={name: _layout(layout, body) for name, layout in body.layouts.items()},
        missing=_MISSING[body.missing],
        styles=body.styles,
    )


def camel_case(template: template_pb2.Template, *, with_content: bool = True) -> dict[str, Any]:
    """A template in the Pictify dialect; lists leave the documents out."""
    return {
        **_fields(template, with_content=with_content),
        "createdAt": timestamp(template.create_time),
        "updatedAt": timestamp(template.update_time),
    }


def snake_case(template: template_pb2.Template, *, with_content: bool = True) -> dict[str, Any]:
    """A template in the Deckle dialect; lists leave the documents out."""
    return {
        **_fields(template, with_content=with_content),
        "created_at": timestamp(template.create_time),
        "updated_at": timestamp(template.update_time),
    }


def _layout(layout: LayoutBody, template: TemplateBody) -> template_pb2.Layout:
    return template_pb2.Layout(
        html=layout.html or "", width=layout.width or template.width, height=layout.height or template.height
    )


def _fields(template: template_pb2.Template, *, with_content: bool) -> dict[str, Any]:
    stored = template.content
    documents = {"html": stored.html, "styles": stored.styles} if with_content else {}
    return {
        "id": template.id,
        "uid": template.id,
        "name": stored.name,
        **documents,
        "width": stored.width,
        "height": stored.height,
        "layouts": {name: _layout_fields(stored.layouts[name], with_content) for name in sorted(stored.layouts)},
        "missing": "empty" if stored.missing == template_pb2.MISSING_POLICY_EMPTY else "error",
        "version": template.version,
    }


def _layout_fields(layout: template_pb2.Layout, with_content: bool) -> dict[str, Any]:
    documents = {"html": layout.html or None} if with_content else {}
    return {**documents, "width": layout.width, "height": layout.height}

"""Templates: request to RPC message, RPC message to JSON."""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json

from pressline.template.v1 import template_pb2
from services.gateway.models.templates import LayoutBody, TemplateBody, VariableBody
from services.gateway.translate.values import timestamp

TYPES: dict[str, template_pb2.VariableType.ValueType] = {
    "unknown": template_pb2.VARIABLE_TYPE_UNSPECIFIED,
    "string": template_pb2.VARIABLE_TYPE_STRING,
    "number": template_pb2.VARIABLE_TYPE_NUMBER,
    "boolean": template_pb2.VARIABLE_TYPE_BOOLEAN,
    "array": template_pb2.VARIABLE_TYPE_ARRAY,
    "object": template_pb2.VARIABLE_TYPE_OBJECT,
}
_TYPE_NAMES: dict[int, str] = {value: name for name, value in TYPES.items()}
_STATUSES: dict[int, str] = {
    template_pb2.TEMPLATE_STATUS_CHECKING: "checking",
    template_pb2.TEMPLATE_STATUS_READY: "ready",
    template_pb2.TEMPLATE_STATUS_INVALID: "invalid",
}
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
        tailwind=body.tailwind,
        variables=[_variable(variable) for variable in body.variables or ()],
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


def variables_of(template: template_pb2.Template) -> dict[str, Any]:
    """What a template takes; null as long as no renderer has looked through it."""
    checking = template.status == template_pb2.TEMPLATE_STATUS_CHECKING
    return {
        "uid": template.id,
        "id": template.id,
        "version": template.version,
        "status": _STATUSES[template.status],
        "variables": None if checking else [_variable_fields(each) for each in template.variables],
    }


def _variable(variable: VariableBody) -> template_pb2.Variable:
    return template_pb2.Variable(
        name=variable.name,
        type=TYPES[variable.type],
        required=variable.required,
        default_json=variable.default,
        description=variable.description or "",
    )


def _variable_fields(variable: template_pb2.Variable) -> dict[str, Any]:
    return {
        "name": variable.name,
        "type": _TYPE_NAMES[variable.type],
        "required": variable.required,
        "default": from_json(variable.default_json) if variable.default_json else None,
        "description": variable.description or None,
        "line": variable.line or None,
    }


def _layout(layout: LayoutBody, template: TemplateBody) -> template_pb2.Layout:
    return template_pb2.Layout(
        html=layout.html or "", width=layout.width or template.width, height=layout.height or template.height
    )


def _fields(template: template_pb2.Template, *, with_content: bool) -> dict[str, Any]:
    stored = template.content
    documents = {"html": stored.html, "styles": stored.styles} if with_content else {}
    return {
        **variables_of(template),
        "name": stored.name,
        **documents,
        "width": stored.width,
        "height": stored.height,
        "tailwind": stored.tailwind,
        "layouts": {name: _layout_fields(stored.layouts[name], with_content) for name in sorted(stored.layouts)},
        "missing": "empty" if stored.missing == template_pb2.MISSING_POLICY_EMPTY else "error",
        "errors": [{"path": problem.path, "message": problem.message} for problem in template.problems],
    }


def _layout_fields(layout: template_pb2.Layout, with_content: bool) -> dict[str, Any]:
    documents = {"html": layout.html or None} if with_content else {}
    return {**documents, "width": layout.width, "height": layout.height}

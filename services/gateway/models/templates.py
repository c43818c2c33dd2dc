"""Templates as every dialect writes them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError, to_json

from services.gateway.jsonbody import find_not_finite
from services.gateway.models.fields import LayoutName, Lenient, Pixels, SourceText, Styles

DEFAULT_WIDTH = 1200
DEFAULT_HEIGHT = 630
MAX_LAYOUTS = 50
MAX_VARIABLES = 200


class LayoutBody(Lenient):
    """A variant of a template; what it leaves out is the template's own."""

    html: SourceText | None = None
    width: Pixels | None = None
    height: Pixels | None = None


def _encode(value: Any) -> bytes:
    """A default travels as JSON, like the rows that it is filled into; null is none."""
    if value is None:
        return b""
    if (where := find_not_finite(value)) is not None:
        raise PydanticCustomError("number_range", "holds a number that is too large at {where}", {"where": where})
    return to_json(value)


class VariableBody(Lenient):
    """What the author says about a variable; what is left out is taken from the template's use of it."""

    name: Annotated[str, Field(min_length=1, max_length=256)]
    type: Literal["string", "number", "boolean", "array", "object", "unknown"] = "unknown"
    required: bool | None = None
    default: Annotated[bytes, BeforeValidator(_encode, json_schema_input_type=Any)] = b""
    description: Annotated[str, Field(max_length=1024)] | None = None


class TemplateBody(Lenient):
    """All of a template's content; a change replaces it whole."""

    name: Annotated[str, Field(max_length=256)] = ""
    html: SourceText
    width: Pixels = DEFAULT_WIDTH
    height: Pixels = DEFAULT_HEIGHT
    layouts: Annotated[dict[LayoutName, LayoutBody], Field(max_length=MAX_LAYOUTS, default_factory=dict)]
    missing: Literal["error", "empty"] = "error"
    styles: Styles = ""
    variables: Annotated[list[VariableBody], Field(max_length=MAX_VARIABLES)] | None = None

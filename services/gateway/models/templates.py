"""Templates as every dialect writes them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError, to_json

from services.gateway.jsonbody import find_not_finite
from services.gateway.models.fields import TAILWIND, LayoutName, Lenient, Pixels, SourceText, Styles, examples

DEFAULT_WIDTH = 1200
DEFAULT_HEIGHT = 630
MAX_LAYOUTS = 50
MAX_VARIABLES = 200


class LayoutBody(Lenient):
    """A variant of a template; what it leaves out is the template's own."""

    html: SourceText | None = Field(None, description="A document of its own.")
    width: Pixels | None = Field(None, description="CSS pixels.")
    height: Pixels | None = Field(None, description="CSS pixels.")


def _encode(value: Any) -> bytes:
    """A default travels as JSON, like the rows that it is filled into; null is none."""
    if value is None:
        return b""
    if (where := find_not_finite(value)) is not None:
        raise PydanticCustomError("number_range", "holds a number that is too large at {where}", {"where": where})
    return to_json(value)


class VariableBody(Lenient):
    """What the author says about a variable; what is left out is taken from the template's use of it."""

    name: Annotated[str, Field(min_length=1, max_length=256, description="As the template writes it.")]
    type: Literal["string", "number", "boolean", "array", "object", "unknown"] = Field(
        "unknown", description="What a row must give; `unknown` takes anything."
    )
    required: bool | None = Field(None, description="Whether a row without it fails.")
    default: Annotated[bytes, BeforeValidator(_encode, json_schema_input_type=Any)] = Field(
        default_factory=bytes, description="Stands in for it where a row leaves it out; null is none."
    )
    description: str | None = Field(None, max_length=1024, description="For people.")


class TemplateBody(Lenient):
    """All of a template's content; a change replaces it whole."""

    model_config = examples({"name": "card", "html": "<h1>{{name}}</h1>", "width": 1200, "height": 630})

    name: str = Field("", max_length=256, description="For people; it need not be unique.")
    html: SourceText = Field(description="A Handlebars template of an HTML document.")
    width: Pixels = Field(DEFAULT_WIDTH, description="Of its images, in CSS pixels.")
    height: Pixels = Field(DEFAULT_HEIGHT, description="Of its images, in CSS pixels.")
    layouts: dict[LayoutName, LayoutBody] = Field(
        default_factory=dict,
        max_length=MAX_LAYOUTS,
        description="Variants by name: small letters, digits and hyphens.",
        json_schema_extra={"additionalProperties": False},
    )
    missing: Literal["error", "empty"] = Field(
        "error", description="What a variable that a row leaves out is: the row's failure, or an empty string."
    )
    styles: Styles = Field("", description="CSS, added to the document's head.")
    tailwind: bool = Field(False, description=TAILWIND)
    variables: Annotated[list[VariableBody], Field(max_length=MAX_VARIABLES)] | None = Field(
        None, description="What is known of its variables beyond what its use of them tells."
    )

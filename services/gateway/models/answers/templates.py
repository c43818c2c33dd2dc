"""Templates as both dialects answer them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from services.gateway.models.answers.fields import Fault, Moment, NextCursor, example

TemplateStatus = Annotated[
    Literal["checking", "ready", "invalid"],
    Field(description="`checking` until a renderer has looked through it; `invalid` when it cannot be rendered."),
]
Uid = Annotated[str, Field(description="The same as `id`.")]
Id = Annotated[str, Field(description="`tmpl_` and random characters; good in every API.")]
Version = Annotated[int, Field(ge=1, description="Grows by one with every change.")]

_VARIABLE: dict[str, Any] = {
    "name": "name",
    "type": "string",
    "required": True,
    "default": None,
    "description": "Who it is for.",
    "line": 1,
}
_IDS = {"uid": "tmpl_7k2m9q4x1c8v5b3n", "id": "tmpl_7k2m9q4x1c8v5b3n", "version": 1, "status": "ready"}
_LISTED: dict[str, Any] = {
    **_IDS,
    "variables": [_VARIABLE],
    "name": "card",
    "width": 1200,
    "height": 630,
    "tailwind": False,
    "layouts": {"square": {"width": 600, "height": 600}},
    "missing": "error",
    "errors": [],
}
_LAYOUT = {"html": "<h2>{{name}}</h2>", "width": 600, "height": 600}
_WHOLE = {**_LISTED, "html": "<h1>{{name}}</h1>", "styles": "", "layouts": {"square": _LAYOUT}}
_CAMEL = {"createdAt": "2030-01-31T12:00:00Z", "updatedAt": "2030-01-31T12:00:00Z"}
_SNAKE = {"created_at": "2030-01-31T12:00:00Z", "updated_at": "2030-01-31T12:00:00Z"}


class Variable(BaseModel):
    """A variable that a template takes."""

    name: str
    type: Literal["string", "number", "boolean", "array", "object", "unknown"]
    required: bool = Field(description="Whether a row without it fails.")
    default: Any = Field(description="What stands in for it where a row leaves it out; null for none.")
    description: str | None = Field(description="What the author says about it.")
    line: int | None = Field(description="Line of the document that first uses it.")


class Variables(BaseModel):
    """The variables of a template."""

    model_config = example(**_IDS, variables=[_VARIABLE])

    uid: Uid
    id: Id
    version: Version
    status: TemplateStatus
    variables: list[Variable] | None = Field(description="Null while the template is being checked.")


class ListedLayout(BaseModel):
    """The size of a template's variant, in CSS pixels."""

    width: int
    height: int


class Layout(ListedLayout):
    """A variant of a template."""

    html: str | None = Field(description="Null where it renders the template's own document.")


class _Shared(BaseModel):
    uid: Uid
    id: Id
    version: Version
    status: TemplateStatus
    variables: list[Variable] | None = Field(description="Null while the template is being checked.")
    name: str
    width: int = Field(description="CSS pixels.")
    height: int = Field(description="CSS pixels.")
    tailwind: bool = Field(description="Whether Tailwind CSS is added for its class names.")
    missing: Literal["error", "empty"] = Field(description="What a variable that a row leaves out is.")
    errors: list[Fault] = Field(description="Why it is `invalid`.")


class _Whole(_Shared):
    html: str
    styles: str
    layouts: dict[str, Layout]


class ListedCamelTemplate(_Shared):
    """A template in a list: without its documents."""

    model_config = ConfigDict(alias_generator=to_camel)

    layouts: dict[str, ListedLayout]
    created_at: Moment
    updated_at: Moment


class CamelTemplate(_Whole):
    """A template."""

    model_config = ConfigDict(alias_generator=to_camel, json_schema_extra={"examples": [{**_WHOLE, **_CAMEL}]})

    created_at: Moment
    updated_at: Moment


class CamelTemplates(BaseModel):
    """A page of templates."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        json_schema_extra={"examples": [{"templates": [{**_LISTED, **_CAMEL}], "nextCursor": None}]},
    )

    templates: list[ListedCamelTemplate]
    next_cursor: NextCursor


class ListedTemplate(_Shared):
    """A template in a list: without its documents."""

    layouts: dict[str, ListedLayout]
    created_at: Moment
    updated_at: Moment


class Template(_Whole):
    """A template."""

    model_config = example(**_WHOLE, **_SNAKE)

    created_at: Moment
    updated_at: Moment


class Templates(BaseModel):
    """A page of templates."""

    model_config = example(data=[{**_LISTED, **_SNAKE}], next_cursor=None)

    data: list[ListedTemplate]
    next_cursor: NextCursor

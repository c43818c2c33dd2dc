"""Requests of the Pictify dialect."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from services.gateway.models.fields import (
    FULL_PAGE,
    SELECTOR,
    TRANSPARENT,
    Concurrency,
    LayoutName,
    Lenient,
    Quality,
    Row,
    Selector,
    WebhookUrl,
    examples,
)

MAX_LAYOUTS = 10


class ImageFields(Lenient):
    """What is made of every row."""

    model_config = ConfigDict(alias_generator=to_camel)

    format: Literal["png", "jpeg", "webp"] = "png"
    quality: Quality = Field(0.9, description="Of a JPEG or WebP.")
    selector: Selector | None = Field(None, description=SELECTOR)
    full_page: bool = Field(False, description=FULL_PAGE)
    transparent: bool = Field(False, description=TRANSPARENT)
    layout: LayoutName | None = Field(None, description="A variant of the template.")
    layouts: (
        Annotated[list[LayoutName], Field(max_length=MAX_LAYOUTS, json_schema_extra={"uniqueItems": True})] | None
    ) = Field(None, description="Several variants, an image for each; not together with `layout`.")

    @field_validator("layouts")
    @classmethod
    def _layouts_stand_alone(cls, layouts: list[str] | None, info: ValidationInfo) -> list[str] | None:
        if layouts and info.data.get("layout") is not None:
            raise PydanticCustomError("layouts", "cannot be combined with layout")
        if layouts and len(set(layouts)) < len(layouts):
            raise PydanticCustomError("layouts", "must not name a layout twice")
        return layouts


class BatchRenderBody(ImageFields):
    """One template, many rows. How many rows are allowed is the plan's matter."""

    model_config = examples({"variableSets": [{"name": "Ada"}, {"name": "Bea"}], "format": "png", "concurrency": 5})

    variable_sets: Annotated[
        list[Row], Field(min_length=1, description="The rows, in order; the plan decides how many.")
    ]
    concurrency: Concurrency = Field(5, description="The most rows that are rendered at once.")
    webhook_url: WebhookUrl | None = Field(None, description="Told once, when the batch has ended.")


class RenderBody(ImageFields):
    """One template, one row."""

    model_config = examples({"variables": {"name": "Ada"}, "format": "webp"})

    variables: Row = Field(
        default_factory=lambda: b"{}", json_schema_extra={"default": {}}, description="The row that fills the template."
    )

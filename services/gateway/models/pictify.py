"""Requests of the Pictify dialect."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from services.gateway.models.fields import LayoutName, Lenient, Quality, Row, WebhookUrl

MAX_LAYOUTS = 10


class ImageFields(Lenient):
    """What is made of every row."""

    model_config = ConfigDict(alias_generator=to_camel)

    format: Literal["png", "jpeg", "webp"] = "png"
    quality: Quality = 0.9
    layout: LayoutName | None = None
    layouts: Annotated[list[LayoutName], Field(max_length=MAX_LAYOUTS)] | None = None

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

    variable_sets: Annotated[list[Row], Field(min_length=1)]
    concurrency: Annotated[int, Field(ge=1, le=10)] = 5
    webhook_url: WebhookUrl | None = None


class RenderBody(ImageFields):
    """One template, one row."""

    variables: Row = b"{}"

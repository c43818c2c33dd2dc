"""Field types of answers that several topics share."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

Moment = Annotated[datetime, Field(description="RFC 3339, in UTC.")]
Address = Annotated[str, WithJsonSchema({"type": "string", "format": "uri"})]
FormatName = Literal["png", "jpeg", "webp", "pdf"]
BatchStatus = Literal["pending", "processing", "completed", "partial", "failed", "cancelled"]
Percent = Annotated[int, Field(ge=0, le=100, description="Whole percent of the items that have ended.")]
Count = Annotated[int, Field(ge=0)]
NextCursor = Annotated[str | None, Field(description="Send it as `cursor` for the next page; null on the last one.")]
JsonObject = Annotated[dict[str, Any], Field(description="As it was submitted.")]


def example(**fields: Any) -> ConfigDict:
    """Configuration of a model with one example."""
    return ConfigDict(json_schema_extra={"examples": [fields]})


class ItemError(BaseModel):
    """Why an item failed."""

    code: str = Field(description="A word to branch on, such as `TEMPLATE_ERROR` or `RENDER_TIMEOUT`.")
    message: str = Field(description="A sentence for people.")


class Fault(BaseModel):
    """A field at fault."""

    path: str = Field(description="Written as in the request, such as `items[3].options.format`.")
    message: str = Field(description="What is wrong with it.")

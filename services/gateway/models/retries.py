"""The request to try a batch again."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from services.gateway.models.fields import Exact, Row, WebhookUrl, examples, whole
from services.gateway.models.native import within_metadata_limit

LATEST = "latest"
_HIGHEST = 2**31 - 1
_Version = Annotated[int, Field(ge=1, le=_HIGHEST)] | Literal["latest"] | None


def _version(value: Any) -> Any:
    value = whole(value)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if value is not None and value != LATEST and not (is_number and 1 <= value <= _HIGHEST):
        raise PydanticCustomError("version", "must be a version from 1 on, or 'latest'")
    return value


class RetryBody(Exact):
    """Which items, with what. All of it may be left out."""

    model_config = examples({"statuses": ["failed", "cancelled"], "template_version": "latest"})

    statuses: list[Literal["failed", "cancelled"]] = Field(
        ["failed"], min_length=1, max_length=2, description="What the items that are tried again have come to."
    )
    template_version: Annotated[
        int | Literal["latest"] | None, BeforeValidator(_version, json_schema_input_type=_Version)
    ] = Field(None, description="Of the template that the items render; without it the version that they rendered.")
    webhook_url: WebhookUrl | None = Field(
        None, description="Told once, when the new batch has ended; without it the old one's is, and with null nobody."
    )
    metadata: Annotated[Row, AfterValidator(within_metadata_limit)] | None = Field(
        None, description="Of the new batch; without it the old one's, and with null none."
    )

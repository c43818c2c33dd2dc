"""Field types that several dialects share."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError, to_json

from services.gateway.jsonbody import find_not_finite

MAX_SOURCE_BYTES = 5_000_000
MAX_URL_CHARACTERS = 2048


class Lenient(BaseModel):
    """Base of the two dialects: unknown fields are ignored, types are not guessed."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


def examples(*bodies: dict[str, Any]) -> ConfigDict:
    """Configuration of a body with examples for the description of the API."""
    return ConfigDict(json_schema_extra={"examples": list(bodies)})


class Exact(BaseModel):
    """Base of the native API: unknown fields are refused, so that a misspelt one is noticed."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def _encode_row(value: Any) -> bytes:
    if not isinstance(value, dict):
        raise PydanticCustomError("dict_type", "must be an object")
    encoded = to_json(value)
    if b"Infinity" in encoded and (where := find_not_finite(value)) is not None:
        raise PydanticCustomError("number_range", "holds a number that is too large at {where}", {"where": where})
    return encoded


def _within_source_limit(value: str) -> str:
    if len(value.encode()) > MAX_SOURCE_BYTES:
        raise PydanticCustomError("source_size", "must be at most 5 MB")
    return value


def whole(value: Any) -> Any:
    """A number without fraction as an integer, and all else as it is: JSON knows no difference between 5 and 5.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _http_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(character.isspace() for character in value):
        raise PydanticCustomError("url", "must be an http or https address with a host")
    if "@" in parts.netloc:
        raise PydanticCustomError("url", "must not carry a user name or password")
    return value


# Rows travel as JSON bytes from here on: no later step may round a number.
Row = Annotated[bytes, BeforeValidator(_encode_row, json_schema_input_type=dict[str, Any])]
SourceText = Annotated[str, Field(min_length=1, max_length=MAX_SOURCE_BYTES), AfterValidator(_within_source_limit)]
Styles = Annotated[str, Field(max_length=MAX_SOURCE_BYTES), AfterValidator(_within_source_limit)]
TAILWIND = (
    "Whether Tailwind CSS is added for the document's class names; `styles` may hold its directives, such as @theme "
    "and @apply, then."
)
TemplateId = Annotated[str, Field(min_length=1, max_length=128)]
WebhookUrl = Annotated[
    str,
    Field(min_length=1, max_length=MAX_URL_CHARACTERS, json_schema_extra={"format": "uri"}),
    AfterValidator(_http_url),
]
LayoutName = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")]
WHOLE = BeforeValidator(whole)
Pixels = Annotated[int, Field(ge=1, le=4000), WHOLE]
Concurrency = Annotated[int, Field(ge=1, le=10), WHOLE]
Quality = Annotated[float, Field(ge=0.1, le=1)]
Selector = Annotated[str, Field(min_length=1, max_length=300)]
SELECTOR = "A CSS selector: the image is of the first element that fits it, by its box. Not with a full page."
FULL_PAGE = "Whether the image is as high as the document; the height is then that of the viewport alone."
TRANSPARENT = "Whether the white beneath the document is left out, of a PNG or WebP."

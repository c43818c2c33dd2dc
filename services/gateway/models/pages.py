"""Page options of PDFs, as Deckle and the native API both take them."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from services.gateway.models.fields import Lenient
from services.gateway.violations import NAME, OBJECT

_LENGTH = re.compile(r"([0-9]{1,5}(?:\.[0-9]{1,4})?)(px|in|cm|mm|pt|pc)")
_INCHES = {"px": 1 / 96, "in": 1.0, "cm": 1 / 2.54, "mm": 1 / 25.4, "pt": 1 / 72, "pc": 1 / 6}
# The largest page that PDF knows.
_MAX_INCHES = 200
_RENDERER_UNITS = {"px", "in", "cm", "mm"}


def _length(value: Any) -> str:
    """A CSS length in a unit that renderers take; a bare number is in pixels, as CSS's own objects have it."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        value = _pixels(value)
    if value == "0":
        return "0px"
    match = _LENGTH.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise PydanticCustomError("length", "must be a length such as 210mm, 8.5in, 21cm, 595pt or 800px")
    inches = float(match[1]) * _INCHES[match[2]]
    if inches > _MAX_INCHES:
        raise PydanticCustomError("length", "must be at most 200in")
    return str(value) if match[2] in _RENDERER_UNITS else _pixels(inches * 96)


def _pixels(number: float) -> str:
    return f"{number:.4f}".rstrip("0").rstrip(".") + "px"


def _positive(value: Any) -> str:
    length = _length(value)
    if not float(length.rstrip("pxincm")):
        raise PydanticCustomError("length", "must be greater than 0")
    return length


# For the description of the API: how a length is written.
_Css = Annotated[str, Field(pattern=rf"^(0|{_LENGTH.pattern})$", description="A CSS length.", examples=["10mm"])]
_Number = Annotated[float, Field(ge=0, le=_MAX_INCHES * 96, description="Pixels.")]
Length = Annotated[str, BeforeValidator(_length, json_schema_input_type=_Css | _Number)]
PageLength = Annotated[str, BeforeValidator(_positive, json_schema_input_type=_Css | Annotated[_Number, Field(gt=0)])]
PLACEHOLDERS = "`{{pageNumber}}` and `{{totalPages}}` are filled in."


class PaperSize(Lenient):
    """A page in CSS lengths."""

    width: PageLength = Field(description="More than 0, 200in at most.")
    height: PageLength = Field(description="More than 0, 200in at most.")


class Margins(Lenient):
    """Margins by side; a side left out has none."""

    top: Length | None = None
    right: Length | None = None
    bottom: Length | None = None
    left: Length | None = None


class ExactPaperSize(PaperSize):
    """The same for the native API."""

    model_config = ConfigDict(extra="forbid")


class ExactMargins(Margins):
    """The same for the native API."""

    model_config = ConfigDict(extra="forbid")


def _kind(value: Any) -> str:
    return OBJECT if isinstance(value, dict | PaperSize | Margins) else NAME


PaperName = Literal["A4", "Letter", "Legal"]
Orientation = Literal["portrait", "landscape"]
Paper = Annotated[Annotated[PaperName, Tag(NAME)] | Annotated[PaperSize, Tag(OBJECT)], Discriminator(_kind)]
Margin = Annotated[Annotated[Length, Tag(NAME)] | Annotated[Margins, Tag(OBJECT)], Discriminator(_kind)]
ExactPaper = Annotated[Annotated[PaperName, Tag(NAME)] | Annotated[ExactPaperSize, Tag(OBJECT)], Discriminator(_kind)]
ExactMargin = Annotated[Annotated[Length, Tag(NAME)] | Annotated[ExactMargins, Tag(OBJECT)], Discriminator(_kind)]

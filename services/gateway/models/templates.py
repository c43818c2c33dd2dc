"""Templates as every dialect writes them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from services.gateway.models.fields import LayoutName, Lenient, Pixels, SourceText, Styles

DEFAULT_WIDTH = 1200
DEFAULT_HEIGHT = 630
MAX_LAYOUTS = 50


class LayoutBody(Lenient):
    """A variant of a template; what it leaves out is the template's own."""

    html: SourceText | None = None
    width: Pixels | None = None
    height: Pixels | None = None


class TemplateBody(Lenient):
    """All of a template's content; a change replaces it whole."""

    name: Annotated[str, Field(max_length=256)] = ""
    html: SourceText
    width: Pixels = DEFAULT_WIDTH
    height: Pixels = DEFAULT_HEIGHT
    layouts: Annotated[dict[LayoutName, LayoutBody], Field(max_length=MAX_LAYOUTS, default_factory=dict)]
    missing: Literal["error", "empty"] = "error"
    styles: Styles = ""

"""Requests of the Deckle dialect."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from services.gateway.models.fields import (
    TAILWIND,
    Lenient,
    Row,
    SourceText,
    Styles,
    TemplateId,
    WebhookUrl,
    examples,
)
from services.gateway.models.pages import PLACEHOLDERS, Margin, Orientation, Paper
from services.gateway.models.pdf import PAGE_RANGES, PageRanges, PdfExtras

MAX_ITEMS = 100
_INVOICE: dict[str, Any] = {"html": "<h1>{{title}}</h1>", "data": {"title": "Invoice 7"}}
_REPORT = {"html": "<h1>Report</h1>", "options": {"format": "Letter", "orientation": "landscape"}}
_SOURCES: list[Any] = [
    {"required": [name], "properties": {name: {"type": "string"}}} for name in ("template", "react", "html")
]


class PdfOptionsBody(PdfExtras, Lenient):
    """How one PDF is printed."""

    format: Paper = Field("A4", description="A paper by name, or a page in CSS lengths.")
    margin: Margin | None = Field(None, description="One CSS length for all sides, or one for each.")
    orientation: Orientation = "portrait"
    header: SourceText | None = Field(None, description=f"HTML above every page. {PLACEHOLDERS}")
    footer: SourceText | None = Field(None, description=f"HTML below every page. {PLACEHOLDERS}")
    print_background: bool = Field(True, alias="printBackground", description="Whether backgrounds are printed.")
    page_ranges: PageRanges | None = Field(None, alias="pageRanges", description=PAGE_RANGES)


class GenerationBody(Lenient):
    """One PDF. Of several sources the first of template, react, html is rendered."""

    model_config = ConfigDict(json_schema_extra={"anyOf": _SOURCES, "examples": [_INVOICE]})

    template: TemplateId | None = Field(None, description="The id of a stored template.")
    react: SourceText | None = Field(None, description="JSX or TSX that exports a component by default.")
    html: SourceText | None = Field(None, description="A document; a Handlebars template where `data` is given.")
    data: Row | None = Field(
        None, description="Fills the template, becomes the component's props, or fills `html` as Handlebars."
    )
    styles: Styles | None = Field(None, description="CSS, added to the document's head.")
    tailwind: bool = Field(False, description=TAILWIND)
    options: PdfOptionsBody = Field(PdfOptionsBody(), description="How it is printed.")
    output: Literal["url", "base64"] = Field("url", description="An address of the PDF, or the PDF itself.")

    @model_validator(mode="after")
    def _has_a_source(self) -> Self:
        if not (self.template or self.react or self.html):
            raise PydanticCustomError("source", "needs html, react or template")
        return self


class GenerateBatchBody(Lenient):
    """Up to 100 PDFs."""

    model_config = examples({"items": [_INVOICE, _REPORT], "webhook": "https://example.com/hook"})

    items: Annotated[list[GenerationBody], Field(min_length=1, max_length=MAX_ITEMS, description="In order.")]
    webhook: WebhookUrl | None = Field(None, description="Told once, when the batch has ended.")

"""Requests of the Deckle dialect."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from services.gateway.models.fields import Lenient, Row, SourceText, Styles, TemplateId, WebhookUrl
from services.gateway.models.pages import Margin, Orientation, Paper

MAX_ITEMS = 100


class PdfOptionsBody(Lenient):
    """How one PDF is printed."""

    format: Paper = "A4"
    margin: Margin | None = None
    orientation: Orientation = "portrait"
    header: SourceText | None = None
    footer: SourceText | None = None
    print_background: Annotated[bool, Field(alias="printBackground")] = True


class GenerationBody(Lenient):
    """One PDF. Of several sources the first of template, react, html is rendered."""

    template: TemplateId | None = None
    react: SourceText | None = None
    html: SourceText | None = None
    data: Row | None = None
    styles: Styles | None = None
    options: PdfOptionsBody = PdfOptionsBody()
    output: Literal["url", "base64"] = "url"

    # `template` is declared first, so it is known here.
    @field_validator("react")
    @classmethod
    def _react_is_not_rendered(cls, react: str | None, info: ValidationInfo) -> str | None:
        if react is not None and not info.data.get("template"):
            raise PydanticCustomError("react", "React sources are not available in this version; send html or template")
        return react

    @model_validator(mode="after")
    def _has_a_source(self) -> Self:
        if not (self.template or self.react or self.html):
            raise PydanticCustomError("source", "needs html, react or template")
        return self


class GenerateBatchBody(Lenient):
    """Up to 100 PDFs."""

    items: Annotated[list[GenerationBody], Field(min_length=1, max_length=MAX_ITEMS)]
    webhook: WebhookUrl | None = None

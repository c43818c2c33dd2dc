"""Requests of the native API."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from services.gateway.models.fields import Exact, Pixels, Quality, Row, SourceText, Styles, TemplateId, WebhookUrl
from services.gateway.models.pages import ExactMargin, ExactPaper, Orientation
from services.gateway.violations import IMAGE, PDF

MAX_METADATA_BYTES = 4096


def _within_metadata_limit(encoded: bytes) -> bytes:
    if len(encoded) > MAX_METADATA_BYTES:
        raise PydanticCustomError("metadata_size", "must be at most 4 kB as JSON")
    return encoded


def _known_format(value: Any) -> Any:
    if value not in ("png", "jpeg", "webp", "pdf"):
        raise PydanticCustomError("format", "must be 'png', 'jpeg', 'webp' or 'pdf'")
    return value


class ImageOutput(Exact):
    """A PNG, JPEG or WebP."""

    # Whatever is not a PDF is read as an image, so this is where an unknown format is refused.
    format: Annotated[Literal["png", "jpeg", "webp"], BeforeValidator(_known_format)]
    quality: Quality = 0.9
    width: Pixels | None = None
    height: Pixels | None = None
    device_scale_factor: Annotated[float, Field(ge=0.1, le=3)] = 1


class PdfOutput(Exact):
    """A PDF. Without `page_size` the document's own @page decides, and A4 where it has none."""

    format: Literal["pdf"]
    page_size: ExactPaper | None = None
    margin: ExactMargin | None = None
    orientation: Orientation = "portrait"
    header: SourceText | None = None
    footer: SourceText | None = None
    print_background: bool = True


def _output_kind(value: Any) -> str:
    name = value.get("format") if isinstance(value, dict) else getattr(value, "format", None)
    return PDF if name == "pdf" else IMAGE


Output = Annotated[
    Annotated[ImageOutput, Tag(IMAGE)] | Annotated[PdfOutput, Tag(PDF)],
    Discriminator(_output_kind),
    Field(description="What to make: an image or a PDF."),
]


class SourceFields(Exact):
    """What is rendered: a stored template or HTML, with CSS added to its head."""

    template: TemplateId | None = None
    html: SourceText | None = None
    styles: Styles | None = None

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        if self.template is not None and self.html is not None:
            raise PydanticCustomError("source", "must not give both template and html")
        if self.styles is not None and not self.has_source:
            raise PydanticCustomError("source", "has styles but neither template nor html to add them to")
        return self

    @property
    def has_source(self) -> bool:
        """Whether it says what to render."""
        return self.template is not None or self.html is not None


class DefaultsBody(SourceFields):
    """For every item that does not say otherwise."""

    output: Output = ImageOutput(format="png")


class ItemBody(SourceFields):
    """One row. Its own source, styles included, or its own output replaces the default one as a whole."""

    data: Row | None = None
    output: Output | None = None
    reference: Annotated[str, Field(max_length=256)] = ""
    filename: Annotated[str, Field(max_length=255)] = ""


class BatchBody(Exact):
    """A batch."""

    defaults: DefaultsBody = DefaultsBody()
    items: Annotated[list[ItemBody], Field(min_length=1)]
    concurrency: Annotated[int, Field(ge=1, le=10)] | None = None
    webhook_url: WebhookUrl | None = None
    metadata: Annotated[Row, AfterValidator(_within_metadata_limit)] | None = None

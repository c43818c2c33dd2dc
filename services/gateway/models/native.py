"""Requests of the native API."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from services.gateway.models.environment import Clock, Locale, Timezone
from services.gateway.models.fields import (
    FULL_PAGE,
    SELECTOR,
    TAILWIND,
    TRANSPARENT,
    Concurrency,
    Exact,
    Pixels,
    Quality,
    Row,
    Selector,
    SourceText,
    Styles,
    TemplateId,
    WebhookUrl,
    examples,
)
from services.gateway.models.pages import PLACEHOLDERS, ExactMargin, ExactPaper, Orientation
from services.gateway.models.pdf import PdfExtras
from services.gateway.violations import IMAGE, PDF

MAX_METADATA_BYTES = 4096


def within_metadata_limit(encoded: bytes) -> bytes:
    """Metadata as it was, unless it is too large."""
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
    quality: Quality = Field(0.9, description="Of a JPEG or WebP.")
    width: Pixels | None = Field(None, description="CSS pixels; the template's own when left out.")
    height: Pixels | None = Field(None, description="CSS pixels; the template's own when left out.")
    device_scale_factor: Annotated[float, Field(ge=0.1, le=3, description="Pixels of the image per CSS pixel.")] = 1
    selector: Selector | None = Field(None, description=SELECTOR)
    full_page: bool = Field(False, description=FULL_PAGE)
    transparent: bool = Field(False, description=TRANSPARENT)


class PdfOutput(PdfExtras, Exact):
    """A PDF. Without `page_size` the document's own @page decides, and A4 where it has none."""

    format: Literal["pdf"]
    page_size: ExactPaper | None = Field(None, description="A paper by name, or a page in CSS lengths.")
    margin: ExactMargin | None = Field(None, description="One CSS length for all sides, or one for each.")
    orientation: Orientation = "portrait"
    header: SourceText | None = Field(None, description=f"HTML above every page. {PLACEHOLDERS}")
    footer: SourceText | None = Field(None, description=f"HTML below every page. {PLACEHOLDERS}")
    print_background: bool = Field(True, description="Whether backgrounds are printed.")


def _output_kind(value: Any) -> str:
    name = value.get("format") if isinstance(value, dict) else getattr(value, "format", None)
    return PDF if name == "pdf" else IMAGE


Output = Annotated[
    Annotated[ImageOutput, Tag(IMAGE)] | Annotated[PdfOutput, Tag(PDF)],
    Discriminator(_output_kind),
    Field(description="What to make: an image or a PDF."),
]


class SourceFields(Exact):
    """What is rendered, one of three: a stored template, HTML or a React component, with CSS added to its head."""

    template: TemplateId | None = Field(None, description="The id of a stored template.")
    html: SourceText | None = Field(None, description="A document; a Handlebars template where there is `data`.")
    react: SourceText | None = Field(None, description="JSX or TSX that exports a component by default.")
    styles: Styles | None = Field(None, description="CSS, added to the document's head.")
    tailwind: bool = Field(False, description=TAILWIND)

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        given = [name for name in ("template", "html", "react") if getattr(self, name) is not None]
        if len(given) > 1:
            names = {"names": " and ".join(given)}
            raise PydanticCustomError("source", "must give one source, not {names}", names)
        if self.styles is not None and not given:
            raise PydanticCustomError("source", "has styles but no template, html or react to add them to")
        if self.tailwind and not given:
            raise PydanticCustomError("source", "has tailwind but no template, html or react to use it for")
        return self

    @property
    def has_source(self) -> bool:
        """Whether it says what to render."""
        return any(body is not None for body in (self.template, self.html, self.react))


class DefaultsBody(SourceFields):
    """For every item that does not say otherwise."""

    output: Output = Field(ImageOutput(format="png"), description="What to make: an image or a PDF.")


class ItemBody(SourceFields):
    """One row. Its own source, styles included, or its own output replaces the default one as a whole."""

    data: Row | None = Field(None, description="Fills the template, or `html` as Handlebars; a component's props.")
    output: Output | None = Field(None, description="In place of the default one.")
    reference: str = Field("", max_length=256, description="Yours; repeated with the result.")
    filename: str = Field("", max_length=255, description="A name for the file; repeated with the result.")


class BatchBody(Exact):
    """A batch."""

    model_config = examples(
        {
            "defaults": {"html": "<h1>{{name}}</h1>", "output": {"format": "png", "width": 300, "height": 200}},
            "items": [{"data": {"name": "Ada"}, "reference": "row-1"}, {"data": {"name": "Bea"}}],
            "metadata": {"order": 7},
        }
    )

    defaults: DefaultsBody = Field(DefaultsBody(), description="For every item that does not say otherwise.")
    items: Annotated[list[ItemBody], Field(min_length=1, description="In order; the plan decides how many.")]
    concurrency: Concurrency | None = Field(None, description="The most items that are rendered at once.")
    webhook_url: WebhookUrl | None = Field(None, description="Told once, when the batch has ended.")
    metadata: Annotated[Row, AfterValidator(within_metadata_limit)] | None = Field(
        None, description="Yours, up to 4 kB; repeated with the batch and in its webhook."
    )
    timezone: Timezone | None = None
    locale: Locale | None = None
    clock: Clock | None = None
    missing_assets: Literal["warn", "error"] = Field(
        "warn",
        description="What becomes of an item that asks for an asset or a remote resource and does not get it: it "
        "carries a warning, or fails with `ASSET_FAILED`.",
    )

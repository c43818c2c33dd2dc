"""The wanted output as Chromium takes it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pressline.batch.v1.batch_pb2 import (
    FORMAT_JPEG,
    FORMAT_PDF,
    FORMAT_PNG,
    FORMAT_WEBP,
    Format,
    ImageOptions,
    OutputSpec,
    PdfOptions,
)
from services.common import page_ranges
from services.renderer.engine.model import ErrorCode, RenderError

MAX_SIDE = 4000
MAX_SCALE = 3
MAX_PAGES = 2000
MAX_BYTES = 100_000_000
DEFAULT_QUALITY = 90
# At 100 Chromium packs WebP without loss: several times the work and the bytes, for no difference that is seen.
_BEST, _BEST_OF_WEBP = 100, 99
# Where a header or footer is given without a margin: without room it would be printed over the text.
HEADER_MARGIN = "1.5cm"
CSS_PIXELS_PER_INCH = 96
_INCHES = {"px": 1 / CSS_PIXELS_PER_INCH, "in": 1.0, "cm": 1 / 2.54, "mm": 1 / 25.4, "pt": 1 / 72, "pc": 1 / 6}
_A4 = (8.27, 11.69)
# What may be ten metres wide is a mistake, and asks for more memory than there is.
_LONGEST_INCHES = 400.0
_LENGTH = re.compile(r"^\s*(\d+(?:\.\d*)?|\.\d+)\s*(px|in|cm|mm|pt|pc|)\s*$", re.IGNORECASE)
_PLACEHOLDERS = {
    "pageNumber": re.compile(r"\{\{\s*pageNumber\s*\}\}"),
    "totalPages": re.compile(r"\{\{\s*totalPages\s*\}\}"),
}

CONTENT_TYPES = {
    FORMAT_PNG: "image/png",
    FORMAT_JPEG: "image/jpeg",
    FORMAT_WEBP: "image/webp",
    FORMAT_PDF: "application/pdf",
}


@dataclass(frozen=True)
class Area:
    """A part of a page, in device pixels from its top left corner."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Image:
    """An image to take: the viewport in CSS pixels, device pixels per CSS pixel, and quality from 10 to 100.

    `area` is what a selector or the whole page comes to, once it is known; without one the image is of the viewport.
    """

    format: Format.ValueType
    width: int
    height: int
    scale: float
    quality: int
    selector: str = ""
    full_page: bool = False
    transparent: bool = False
    area: Area | None = None

    @property
    def pixels(self) -> tuple[int, int]:
        """Width and height in device pixels."""
        if self.area is not None:
            return self.area.width, self.area.height
        # As Chromium rounds: a half goes up.
        return int(self.width * self.scale + 0.5), int(self.height * self.scale + 0.5)


@dataclass(frozen=True)
class Pdf:
    """A PDF to print: the parameters of `Page.printToPDF`, and the viewport before it, in CSS pixels.

    `page_style` is CSS that holds the page to the caller's size; empty when the document decides. `pages` are those to
    keep, in ascending order; empty means all.
    """

    parameters: dict[str, Any]
    width: int
    height: int
    page_style: str
    options: PdfOptions
    pages: tuple[int, ...] = ()

    @property
    def unfinished(self) -> bool:
        """Whether there is something to do once it is printed."""
        asked = self.options
        # Tags are thousands of small objects, which take a fifth of the bytes when they are packed together.
        tagged = asked.tagged or asked.outline
        return tagged or bool(asked.pdfa) or asked.HasField("metadata") or asked.HasField("encryption")

    @property
    def extra_html(self) -> str:
        """The HTML that is printed beside the document."""
        return str(self.parameters.get("headerTemplate", "")) + str(self.parameters.get("footerTemplate", ""))


def parse(output: OutputSpec) -> Image | Pdf:
    """Read a wanted output.

    Raises:
        RenderError: RESOURCE_LIMIT for sizes beyond the limits, TEMPLATE_ERROR for what is no length.
    """
    if output.format == FORMAT_PDF:
        return pdf(output.pdf)
    if output.format in CONTENT_TYPES:
        return image(output.format, output.image)
    raise RenderError(ErrorCode.INTERNAL_ERROR, f"This renderer does not know the format {output.format}.")


def image(format_: Format.ValueType, options: ImageOptions) -> Image:
    """Map image options; quality 0.1 to 1 becomes 10 to 100, of WebP to 99."""
    scale = options.device_scale_factor or 1.0
    if not (1 <= options.width <= MAX_SIDE and 1 <= options.height <= MAX_SIDE and 0 < scale <= MAX_SCALE):
        raise RenderError(
            ErrorCode.RESOURCE_LIMIT,
            f"The image is {options.width} by {options.height} CSS pixels at scale {scale:g}; "
            f"at most {MAX_SIDE} by {MAX_SIDE} at scale {MAX_SCALE} are allowed.",
        )
    quality = round(options.quality * 100) if options.quality else DEFAULT_QUALITY
    best = _BEST_OF_WEBP if format_ == FORMAT_WEBP else _BEST
    return Image(
        format_,
        options.width,
        options.height,
        scale,
        min(max(quality, 10), best),
        selector=options.selector,
        full_page=options.full_page,
        transparent=options.transparent and format_ != FORMAT_JPEG,
    )


def pdf(options: PdfOptions) -> Pdf:
    """Map PDF options."""
    own_size = not (options.width or options.height)
    width = _inches("width", options.width, _A4[0])
    height = _inches("height", options.height, _A4[1])
    if not (width and height):
        raise RenderError(ErrorCode.TEMPLATE_ERROR, "The page has no area: its width or height is 0.")
    if options.landscape:
        width, height = height, width
    header, footer = options.header_html, options.footer_html
    parameters: dict[str, Any] = {
        "paperWidth": width,
        "paperHeight": height,
        "preferCSSPageSize": own_size,
        "printBackground": not options.omit_background,
        "marginTop": _inches("margin_top", options.margin_top or (HEADER_MARGIN if header else "0")),
        "marginRight": _inches("margin_right", options.margin_right or "0"),
        "marginBottom": _inches("margin_bottom", options.margin_bottom or (HEADER_MARGIN if footer else "0")),
        "marginLeft": _inches("margin_left", options.margin_left or "0"),
        # Chromium finds the headings of an outline by their tags.
        "generateTaggedPDF": options.tagged or options.outline,
        "generateDocumentOutline": options.outline,
        "displayHeaderFooter": bool(header or footer),
    }
    if header or footer:
        # An empty one would be Chromium's own, with the date and the address.
        sides = (options.margin_left, options.margin_right)
        parameters |= {"headerTemplate": _band(header, *sides), "footerTemplate": _band(footer, *sides)}
    pages = _pages(options.page_ranges)
    if pages:
        parameters["pageRanges"] = ",".join(map(str, pages))
    # Chromium would turn the page to the orientation of the document's own @page size.
    style = "" if own_size else f"@page {{ size: {width}in {height}in !important }}"
    return Pdf(parameters, _viewport(width), _viewport(height), style, options, pages)


def _pages(ranges: str) -> tuple[int, ...]:
    try:
        return tuple(page_ranges.pages(ranges)) if ranges else ()
    except ValueError as error:
        raise RenderError(ErrorCode.TEMPLATE_ERROR, f"page_ranges: {ranges!r} {error}.") from error


def _viewport(inches: float) -> int:
    return min(max(round(inches * CSS_PIXELS_PER_INCH), 1), MAX_SIDE)


def _band(html: str, left: str, right: str) -> str:
    for name, pattern in _PLACEHOLDERS.items():
        html = pattern.sub(f'<span class="{name}"></span>', html)
    # Chromium prints bands without a font size at next to nothing, and drops their colours.
    style = (
        "box-sizing:border-box;width:100%;margin:0;font-size:10px;font-family:sans-serif;"
        f"padding:0 {right or '0'} 0 {left or '0'};-webkit-print-color-adjust:exact"
    )
    return f'<div style="{style}">{html}</div>'


def _inches(name: str, value: str, default: float = 0.0) -> float:
    if not value:
        return default
    match = _LENGTH.match(value)
    if match is None:
        raise RenderError(ErrorCode.TEMPLATE_ERROR, f"{name}: {value!r} is not a length such as 210mm, 8.5in or 96px.")
    length = float(match[1]) * _INCHES[match[2].lower() or "px"]
    if length > _LONGEST_INCHES:
        raise RenderError(ErrorCode.RESOURCE_LIMIT, f"{name}: {value} is longer than {_LONGEST_INCHES * 2.54:g} cm.")
    return length

"""From command line options and the template itself to the output that the API is asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Literal

from pressline_cli.pdf_options import PdfExtras
from pressline_cli.refusal import RefusalError

Format = Literal["png", "jpeg", "webp", "pdf"]
DEFAULT_SIZE = (1200, 630)
_SIZE = re.compile(r"(\d{1,5})\s*[x×]\s*(\d{1,5})", re.IGNORECASE)  # noqa: RUF001 - the multiplication sign is meant
_LENGTH = r"\d+(?:\.\d+)?(?:px|in|cm|mm)"
_PAGE = re.compile(rf"({_LENGTH})\s*[x×]\s*({_LENGTH})", re.IGNORECASE)  # noqa: RUF001 - likewise
_PAGE_NAMES = {"a4": "A4", "letter": "Letter", "legal": "Legal"}
_EXTENSIONS: dict[str, Format] = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp", ".pdf": "pdf"}
_COMPONENTS = {".jsx", ".tsx"}


@dataclass(frozen=True)
class OutputOptions:
    """What the user said about the files; None where nothing was said."""

    format: Format
    size: str | None = None
    scale: float | None = None
    quality: float | None = None
    page_size: str | None = None
    margin: str | None = None
    selector: str | None = None
    full_page: bool = False
    transparent: bool = False
    pdf: PdfExtras = field(default_factory=PdfExtras)


def read_template(path: Path) -> str:
    """The template's text, UTF-8 with or without a byte order mark."""
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise RefusalError(f"{path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise RefusalError(f"{path}: byte {error.start + 1} is not UTF-8; save the file as UTF-8.") from error


def source_of(path: Path, text: str, *, tailwind: bool) -> dict[str, Any]:
    """The template as a batch names it: a React component by its file's extension, else HTML."""
    source: dict[str, Any] = {"react" if path.suffix.lower() in _COMPONENTS else "html": text}
    return source | ({"tailwind": True} if tailwind else {})


def format_of(path: Path) -> Format:
    """The format that a file's extension stands for."""
    try:
        return _EXTENSIONS[path.suffix.lower()]
    except KeyError:
        raise RefusalError(f"{path}: the extension must be one of {', '.join(_EXTENSIONS)}.") from None


def extension_of(output_format: Format, pattern: str | None) -> str:
    """The extension of a format, without its dot: the usual one, or the one that the file name pattern prefers."""
    if output_format == "jpeg" and not (pattern or "").lower().endswith(".jpeg"):
        return "jpg"
    return output_format


def output_spec(options: OutputOptions, html: str) -> dict[str, Any]:
    """The API's `output` object.

    Raises:
        RefusalError: an option does not fit the format, or does not say what it should.
    """
    return _pdf(options) if options.format == "pdf" else _image(options, html)


def _image(options: OutputOptions, html: str) -> dict[str, Any]:
    _only_for("PDF", options.pdf.said | {"--page-size": options.page_size, "--margin": options.margin})
    width, height = _parse_size(options.size) if options.size else _declared_size(html) or DEFAULT_SIZE
    extra = {"device_scale_factor": options.scale, "quality": options.quality, "selector": options.selector}
    switches = {"full_page": options.full_page or None, "transparent": options.transparent or None}
    return {"format": options.format, "width": width, "height": height} | _said(extra | switches)


def _pdf(options: OutputOptions) -> dict[str, Any]:
    images = {"--size": options.size, "--scale": options.scale, "--quality": options.quality}
    areas = {"--selector": options.selector, "--full-page": options.full_page or None}
    _only_for("images", images | areas | {"--transparent": options.transparent or None})
    page = _page_size(options.page_size) if options.page_size else None
    return {"format": "pdf"} | _said({"page_size": page, "margin": options.margin}) | options.pdf.spec()


def _said(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _only_for(what: str, given: Mapping[str, object]) -> None:
    wrong = next((name for name, value in given.items() if value is not None), None)
    if wrong:
        raise RefusalError(f"{wrong} is for {what} only.")


def _parse_size(text: str) -> tuple[int, int]:
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise RefusalError(f"--size: {text!r} is not WIDTHxHEIGHT in pixels, such as 1200x630.")
    return int(match[1]), int(match[2])


def _page_size(text: str) -> str | dict[str, str]:
    if text.lower() in _PAGE_NAMES:
        return _PAGE_NAMES[text.lower()]
    match = _PAGE.fullmatch(text.strip())
    if not match:
        raise RefusalError(f"--page-size: {text!r} is not A4, Letter, Legal or WIDTHxHEIGHT such as 210mmx99mm.")
    return {"width": match[1], "height": match[2]}


def _declared_size(html: str) -> tuple[int, int] | None:
    parser = _Viewport()
    parser.feed(html)
    return parser.size


class _Viewport(HTMLParser):
    size: tuple[int, int] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag != "meta" or (named.get("name") or "").lower() != "viewport":
            return
        parts = dict(re.findall(r"(width|height)\s*=\s*(\d+)", named.get("content") or ""))
        if parts.keys() == {"width", "height"}:
            self.size = int(parts["width"]), int(parts["height"])

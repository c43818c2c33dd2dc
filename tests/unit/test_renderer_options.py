"""The wanted output as Chromium takes it."""

from __future__ import annotations

import pytest

from pressline.batch.v1.batch_pb2 import FORMAT_JPEG, FORMAT_PDF, FORMAT_PNG, ImageOptions, OutputSpec, PdfOptions
from services.renderer.engine import options
from services.renderer.engine.model import RenderError


def parse_pdf(pdf: PdfOptions) -> options.Pdf:
    parsed = options.parse(OutputSpec(format=FORMAT_PDF, pdf=pdf))
    assert isinstance(parsed, options.Pdf)
    return parsed


@pytest.mark.parametrize(("given", "expected"), [(0, 90), (0.1, 10), (0.55, 55), (1, 100)])
def test_quality_is_a_percentage(given: float, expected: int) -> None:
    parsed = options.image(FORMAT_JPEG, ImageOptions(width=10, height=10, quality=given))
    assert parsed.quality == expected


def test_pixels_are_device_pixels() -> None:
    parsed = options.image(FORMAT_PNG, ImageOptions(width=300, height=101, device_scale_factor=1.5))
    assert parsed.pixels == (450, 152)


@pytest.mark.parametrize(
    ("width", "height", "scale"), [(4001, 10, 1), (10, 4001, 1), (10, 10, 3.1), (0, 10, 1), (10, 10, -1)]
)
def test_images_beyond_the_limits_are_refused(width: int, height: int, scale: float) -> None:
    with pytest.raises(RenderError) as caught:
        options.image(FORMAT_PNG, ImageOptions(width=width, height=height, device_scale_factor=scale))
    assert caught.value.code == "RESOURCE_LIMIT"


def test_the_largest_image_is_allowed() -> None:
    parsed = options.image(FORMAT_PNG, ImageOptions(width=4000, height=4000, device_scale_factor=3))
    assert parsed.pixels == (12_000, 12_000)


@pytest.mark.parametrize(
    ("length", "inches"),
    [("96px", 1), ("96", 1), ("2.54cm", 1), ("25.4mm", 1), ("8.5in", 8.5), (".5in", 0.5), ("72pt", 1)],
)
def test_lengths_become_inches(length: str, inches: float) -> None:
    assert parse_pdf(PdfOptions(width=length, height="1in")).parameters["paperWidth"] == pytest.approx(inches)


@pytest.mark.parametrize("length", ["-1cm", "1em", "wide", "1 2px", "calc(1px)", "1e9in"])
def test_what_is_no_length_is_refused_by_name(length: str) -> None:
    with pytest.raises(RenderError, match="margin_left"):
        parse_pdf(PdfOptions(margin_left=length))


@pytest.mark.parametrize("options_", [PdfOptions(width="0px", height="1in"), PdfOptions(width="1in", height="0")])
def test_a_page_needs_an_area(options_: PdfOptions) -> None:
    with pytest.raises(RenderError, match="no area"):
        parse_pdf(options_)


def test_without_a_size_the_document_decides() -> None:
    assert parse_pdf(PdfOptions()).parameters["preferCSSPageSize"] is True
    assert parse_pdf(PdfOptions(width="210mm", height="297mm")).parameters["preferCSSPageSize"] is False


def test_landscape_swaps_the_sides() -> None:
    upright = parse_pdf(PdfOptions(width="3in", height="5in"))
    turned = parse_pdf(PdfOptions(width="3in", height="5in", landscape=True))
    assert (upright.width, upright.height) == (turned.height, turned.width) == (288, 480)
    assert turned.parameters["paperWidth"] == upright.parameters["paperHeight"] == 5


def test_margins_default_to_none_and_background_to_printed() -> None:
    parameters = parse_pdf(PdfOptions()).parameters
    assert [parameters[f"margin{side}"] for side in ("Top", "Right", "Bottom", "Left")] == [0, 0, 0, 0]
    assert parameters["printBackground"] is True
    assert parameters["displayHeaderFooter"] is False


def test_a_header_gets_room_unless_a_margin_is_given() -> None:
    own = parse_pdf(PdfOptions(header_html="x")).parameters
    assert own["marginTop"] == pytest.approx(1.5 / 2.54)
    assert own["marginBottom"] == 0
    given = parse_pdf(PdfOptions(header_html="x", margin_top="0")).parameters
    assert given["marginTop"] == 0


def test_placeholders_become_chromiums_classes() -> None:
    parameters = parse_pdf(PdfOptions(footer_html="{{pageNumber}} of {{ totalPages }}")).parameters
    assert '<span class="pageNumber"></span> of <span class="totalPages"></span>' in parameters["footerTemplate"]
    assert "<span" not in parameters["headerTemplate"]


def test_an_unknown_format_is_an_internal_error() -> None:
    with pytest.raises(RenderError) as caught:
        options.parse(OutputSpec())
    assert caught.value.code == "INTERNAL_ERROR"

"""Paper, margins and lengths."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from pressline.batch.v1 import batch_pb2
from services.gateway.models.deckle import GenerationBody, PdfOptionsBody
from services.gateway.models.pages import Length, PageLength
from services.gateway.translate.deckle import item_spec

LENGTH: TypeAdapter[str] = TypeAdapter(Length)
PAGE_LENGTH: TypeAdapter[str] = TypeAdapter(PageLength)


def pdf_of(options: dict[str, object]) -> batch_pb2.PdfOptions:
    body = GenerationBody.model_validate({"html": "x", "options": options})
    return item_spec(body).output.pdf


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("210mm", "210mm"),
        ("8.5in", "8.5in"),
        ("0.25cm", "0.25cm"),
        ("800px", "800px"),
        ("72pt", "96px"),
        ("6pc", "96px"),
        ("0", "0px"),
        (0, "0px"),
        (800, "800px"),
        (100, "100px"),
        (12.5, "12.5px"),
    ],
)
def test_css_lengths_reach_the_renderer_in_its_units(given: object, read: str) -> None:
    assert LENGTH.validate_python(given) == read


@pytest.mark.parametrize(
    "given",
    ["", "10", "-1cm", "1 cm", "1em", "50%", "1e3px", "\u0661cm", -1, True, None, [], float("inf"), "201in", "6000mm"],
)
def test_what_is_no_length_is_refused(given: object) -> None:
    with pytest.raises(ValidationError):
        LENGTH.validate_python(given)


@pytest.mark.parametrize("given", ["0px", "0", 0, "0.0in"])
def test_a_page_has_an_extent(given: object) -> None:
    with pytest.raises(ValidationError):
        PAGE_LENGTH.validate_python(given)


@pytest.mark.parametrize(
    ("name", "size"), [("A4", ("210mm", "297mm")), ("Letter", ("8.5in", "11in")), ("Legal", ("8.5in", "14in"))]
)
def test_papers_have_their_standard_sizes(name: str, size: tuple[str, str]) -> None:
    pdf = pdf_of({"format": name})
    assert (pdf.width, pdf.height) == size


def test_the_defaults_are_a4_portrait_with_background_and_without_margins() -> None:
    assert pdf_of({}) == batch_pb2.PdfOptions(width="210mm", height="297mm")
    assert PdfOptionsBody().print_background is True


def test_a_size_of_its_own() -> None:
    pdf = pdf_of({"format": {"width": "10cm", "height": 400}})
    assert (pdf.width, pdf.height) == ("10cm", "400px")


def test_one_margin_is_all_four() -> None:
    pdf = pdf_of({"margin": "1cm"})
    assert [pdf.margin_top, pdf.margin_right, pdf.margin_bottom, pdf.margin_left] == ["1cm"] * 4


def test_sides_left_out_have_no_margin() -> None:
    pdf = pdf_of({"margin": {"top": "1cm", "left": "5mm"}})
    assert [pdf.margin_top, pdf.margin_right, pdf.margin_bottom, pdf.margin_left] == ["1cm", "", "", "5mm"]


def test_the_other_options() -> None:
    pdf = pdf_of(
        {"orientation": "landscape", "header": "<b>h</b>", "footer": "{{pageNumber}}", "printBackground": False}
    )
    assert (pdf.landscape, pdf.header_html, pdf.footer_html, pdf.omit_background) == (
        True,
        "<b>h</b>",
        "{{pageNumber}}",
        True,
    )

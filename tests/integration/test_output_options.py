"""What options do to the file itself: the quality of images, and where the parts of a printed page come to be."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from PIL import Image, ImageChops, ImageStat

from pressline.batch.v1.batch_pb2 import FORMAT_JPEG, FORMAT_PNG, FORMAT_WEBP, Format
from services.renderer.engine.engine import Engine
from tests.support.pdfs import pages_of, raster
from tests.support.renderer import image, pdf, picture, render, running_engine

PHOTO = "<body style='background:repeating-radial-gradient(circle at 30% 40%,#f00,#0ff 23px,#ff0 57px)'>"
PAPER = {"width": "200pt", "height": "100pt"}
SLAB = "<style>body{margin:0}div{height:95pt;background:#00f}</style><div></div>"


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with running_engine() as running:
        yield running


def loss(picture: Image.Image, whole: Image.Image) -> float:
    """How far the pixels of a picture are from those of another, in levels of 255."""
    return sum(ImageStat.Stat(ImageChops.difference(picture, whole)).mean)


def painted(page: Image.Image, channel: int) -> tuple[int, int, int, int] | None:
    """The box of what is painted in red (0), green (1) or blue (2) alone, or in black."""
    others = [band for index, band in enumerate(page.split()) if index != channel]
    least = ImageChops.lighter(others[0], others[1])
    return least.point(lambda level: 255 if level < 128 else 0).getbbox()


@pytest.mark.parametrize("format_", [FORMAT_JPEG, FORMAT_WEBP])
async def test_quality_decides_how_much_is_lost(engine: Engine, format_: Format.ValueType) -> None:
    whole = picture(await render(engine, PHOTO, image(300, 200)))
    losses = [
        loss(picture(await render(engine, PHOTO, image(300, 200, format_=format_, quality=quality))), whole)
        for quality in (1, 0.9, 0.5, 0.1)
    ]
    assert losses == sorted(losses)
    assert 0 < losses[0] < losses[-1] / 2


async def test_every_step_of_quality_is_another_file(engine: Engine) -> None:
    files = [
        (await render(engine, PHOTO, image(300, 200, format_=FORMAT_JPEG, quality=percent / 100))).data
        for percent in (88, 89, 90, 91)
    ]
    assert len(set(files)) == 4
    assert (await render(engine, PHOTO, image(300, 200, format_=FORMAT_JPEG))).data == files[2]


async def test_a_png_loses_nothing_whatever_the_quality(engine: Engine) -> None:
    files = [(await render(engine, PHOTO, image(300, 200, format_=FORMAT_PNG, quality=each))).data for each in (0.1, 1)]
    assert files[0] == files[1]


async def test_a_bottom_margin_ends_the_page(engine: Engine) -> None:
    for margin, pages, end in (("", 1, 95), ("4pt", 1, 95), ("30pt", 2, 70), ("2cm", 3, 43)):
        printed = await render(engine, SLAB, pdf(**PAPER, margin_bottom=margin))
        box = painted(raster(printed.data), 2)
        assert box is not None
        assert (printed.pages, box[0], box[2]) == (pages, 0, 200)
        assert abs(box[3] - end) <= 1, margin


async def test_a_bare_number_is_pixels_and_units_are_theirs(engine: Engine) -> None:
    for length in ("48", "48px", "0.5in", "36pt", "3pc", "12.7mm", "1.27cm"):
        box = painted(raster((await render(engine, SLAB, pdf(**PAPER, margin_left=length))).data), 2)
        assert box is not None
        assert abs(box[0] - 36) <= 1, length


@pytest.mark.parametrize("margins", [{}, {"margin_top": "60pt", "margin_bottom": "60pt"}])
async def test_header_and_footer_stay_in_their_margins(engine: Engine, margins: dict[str, str]) -> None:
    # Marks of a colour of their own say where each is; between them is all that the margins leave.
    mark = "<b style='background:{};color:#fff'>{}</b>"
    options = pdf(
        width="300pt",
        height="300pt",
        header_html=mark.format("#f00", "top"),
        footer_html=mark.format("#0f0", "{{pageNumber}}/{{totalPages}}"),
        **margins,
    )
    slab = "<style>body{margin:0}div{height:%s;background:#00f}</style><div></div>"
    printed = await render(engine, slab % "1000pt", options)
    room = 60 if margins else 42.5
    assert printed.pages == -(-1000 // (300 - 2 * room))
    for number, text in enumerate(pages_of(printed.data), 1):
        assert text.split() == ["top", f"{number}/{printed.pages}"]
    header, footer, body = (painted(raster(printed.data), channel) for channel in (0, 1, 2))
    assert header is not None
    assert footer is not None
    assert body is not None
    assert 0 <= header[1] < header[3] <= body[1] + 1
    assert body[3] - 1 <= footer[1] < footer[3] <= 300
    assert abs(body[1] - room) <= 1.5
    assert abs(body[3] - (300 - room)) <= 1.5


async def test_sides_of_header_and_footer_follow_the_margins(engine: Engine) -> None:
    mark = "<div style='background:#f00'>x</div>"
    options = pdf(width="300pt", height="300pt", header_html=mark, margin_left="50pt", margin_right="20pt")
    box = painted(raster((await render(engine, "<p>", options)).data), 0)
    assert box is not None
    assert abs(box[0] - 50) <= 1.5
    assert abs(box[2] - 280) <= 1.5


async def test_without_backgrounds_text_and_images_stay(engine: Engine) -> None:
    lime = "<svg xmlns='http://www.w3.org/2000/svg' width='40' height='40'><rect width='99' height='99' fill='lime'/>"
    style = "<style>body{margin:0;background:#00f}p{color:#f00;font:40px serif}</style>"
    document = f'{style}<img src="data:image/svg+xml,{lime}</svg>"><p>Text'
    shown, left_out = [raster((await render(engine, document, pdf(omit_background=out))).data) for out in (False, True)]
    assert shown.getpixel((300, 300)) == (0, 0, 255)
    assert left_out.getpixel((300, 300)) == (255, 255, 255)
    for page in (shown, left_out):
        assert page.getpixel((10, 10)) == (0, 255, 0)
        assert painted(page, 0) is not None

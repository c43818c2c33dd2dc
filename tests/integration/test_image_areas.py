"""Images of one element, of the whole page, and without the white beneath."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

import pytest
from PIL import Image

from pressline.batch.v1.batch_pb2 import FORMAT_JPEG, FORMAT_PNG, FORMAT_WEBP, Format, ImageOptions, OutputSpec
from services.renderer.engine.engine import Engine
from services.renderer.engine.model import ErrorCode, Rendered, RenderError
from tests.support.renderer import image, pixel, render, running_engine

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
# Red at 33, 40; blue far below the viewport; green across the page's corner.
PAGE = """<!doctype html><style>*{margin:0}</style><div style="height:40px"></div>
<p class="a" style="margin-left:33px;width:101px;height:51px;background:#f00"></p><div style="height:1909px"></div>
<p class="b" style="width:60px;height:50px;background:#00f"></p><p class="a" style="height:20px"></p>
<i style="position:absolute;left:-30px;top:-10px;width:60px;height:60px;background:#0f0"></i>"""


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with running_engine(pages=1) as running:
        yield running


def part(scale: float = 1, format_: Format.ValueType = FORMAT_PNG, **options: str | bool) -> OutputSpec:
    size = {"width": 200, "height": 100, "device_scale_factor": scale}
    return OutputSpec(format=format_, image=ImageOptions(**size, **options))  # type: ignore[arg-type]


def opened(rendered: Rendered) -> Image.Image:
    found = Image.open(io.BytesIO(rendered.data))
    assert found.size == (rendered.width, rendered.height)
    return found


async def refused(engine: Engine, document: str, output: OutputSpec) -> RenderError:
    with pytest.raises(RenderError) as caught:
        await render(engine, document, output)
    return caught.value


@pytest.mark.parametrize("scale", [1, 2, 3])
async def test_the_first_element_that_fits(engine: Engine, scale: int) -> None:
    rendered = await render(engine, PAGE, part(scale, selector="p.a"))
    assert opened(rendered).size == (101 * scale, 51 * scale)
    assert opened(rendered).convert("RGB").getcolors() == [(101 * 51 * scale**2, RED)]


async def test_elements_beyond_the_viewport_and_across_the_corner(engine: Engine) -> None:
    below = await render(engine, PAGE, part(selector="p.b", format_=FORMAT_WEBP))
    assert opened(below).size == (60, 50)
    assert max(abs(a - b) for a, b in zip(pixel(below, 30, 25), BLUE, strict=True)) <= 6
    corner = await render(engine, PAGE, part(selector="body > i"))
    assert opened(corner).convert("RGB").getcolors() == [(30 * 50, GREEN)]


@pytest.mark.parametrize("scale", [0.7, 1.5])
async def test_the_image_holds_every_pixel_that_a_box_touches(engine: Engine, scale: float) -> None:
    document = "<style>*{margin:0}</style><div style='margin:7px 5px;width:31px;height:13px;background:#f00'></div>"
    found = opened(await render(engine, document, part(scale, selector="div"))).convert("RGB")
    assert 31 * scale <= found.width <= 31 * scale + 2
    assert 13 * scale <= found.height <= 13 * scale + 2
    assert found.getpixel((found.width // 2, found.height // 2)) == RED


async def test_a_transformed_element_is_taken_by_its_box(engine: Engine) -> None:
    document = "<style>*{margin:0}</style><div style='margin:50px;width:40px;height:20px;background:#f00;rotate:90deg'>"
    assert opened(await render(engine, document, part(selector="div"))).size == (20, 40)


async def test_what_no_selector_finds(engine: Engine) -> None:
    for selector, said in (
        (".none", "No element of the document fits"),
        ("style", "has no size"),
        ("p:nonsense", "is not one that the browser knows"),
    ):
        error = await refused(engine, PAGE, part(selector=selector))
        assert error.code == ErrorCode.TEMPLATE_ERROR
        assert said in error.message
        assert repr(selector) in error.message
    error = await refused(engine, "<p style='height:4001px'>", part(selector="p"))
    assert error.code == ErrorCode.RESOURCE_LIMIT


async def test_names_in_the_document_hide_nothing_from_a_selector(engine: Engine) -> None:
    document = "<form name=querySelector></form><b id=x style='display:block;height:9px'></b>"
    assert opened(await render(engine, document, part(selector="#x"))).height == 9


@pytest.mark.parametrize("format_", [FORMAT_PNG, FORMAT_JPEG, FORMAT_WEBP])
async def test_the_whole_page(engine: Engine, format_: Format.ValueType) -> None:
    rendered = await render(engine, PAGE, part(2, format_, full_page=True))
    assert opened(rendered).size == (400, 4140)
    assert max(abs(a - b) for a, b in zip(pixel(rendered, 80, 4050), BLUE, strict=True)) <= 6
    assert pixel(rendered, 300, 4130) == WHITE


async def test_the_whole_page_is_laid_out_for_the_viewport(engine: Engine) -> None:
    document = """<!doctype html><style>*{margin:0}@media (min-height:101px){div{background:#00f!important}}</style>
    <div style="height:200vh;background:#f00"></div>"""
    found = opened(await render(engine, document, part(full_page=True))).convert("RGB")
    assert found.getcolors() == [(200 * 200, RED)]
    # A short page is as high as its viewport, and that may be one pixel.
    low = OutputSpec(format=FORMAT_PNG, image=ImageOptions(width=200, height=1, full_page=True))
    assert opened(await render(engine, "<body style='margin:0;height:37px;background:#f00'>", low)).height == 37
    assert opened(await render(engine, "<!doctype html>", part(full_page=True))).height == 100


async def test_the_whole_page_is_bounded(engine: Engine) -> None:
    document = "<style>*{margin:0}</style><div style='height:4000px;background:linear-gradient(#f00,#00f)'>"
    # Captured as two strips.
    tall = OutputSpec(
        format=FORMAT_JPEG, image=ImageOptions(width=1001, height=10, device_scale_factor=2.5, full_page=True)
    )
    found = opened(await render(engine, document, tall)).convert("RGB")
    assert found.size == (2503, 10_000)
    shades = list(found.resize((1, 40)).split()[2].tobytes())
    assert shades == sorted(shades)
    assert shades[0] < 10
    assert shades[-1] > 245
    error = await refused(engine, document + "</div><p>more", part(full_page=True))
    assert error.code == ErrorCode.RESOURCE_LIMIT
    assert "4000" in error.message


@pytest.mark.parametrize("format_", [FORMAT_PNG, FORMAT_WEBP])
async def test_transparent_images(engine: Engine, format_: Format.ValueType) -> None:
    document = """<style>*{margin:0}</style><div style="width:50px;height:100px;background:rgba(255,0,0,.5)"></div>
    <div style="position:absolute;left:50px;top:0;width:50px;height:100px;background:#00f"></div>"""
    found = opened(await render(engine, document, part(1, format_, transparent=True)))
    assert found.mode == "RGBA"
    seen = [found.getpixel((x, 50)) for x in (25, 75, 150)]
    assert [value[3] for value in seen if isinstance(value, tuple)] == [128, 255, 0]
    assert all(isinstance(value, tuple) and value[0] >= 250 for value in seen[:1])
    assert opened(await render(engine, document, part(1, format_))).mode == "RGB"


async def test_a_white_page_stays_white_where_it_says_so(engine: Engine) -> None:
    found = opened(await render(engine, "<html style='background:#fff'>", part(transparent=True)))
    assert found.mode == "RGBA"
    assert set(found.getchannel("A").tobytes()) == {255}


async def test_a_page_is_the_same_after_every_kind_of_image(engine: Engine) -> None:
    first = await render(engine, PAGE, image())
    for output in (part(selector="p.b"), part(full_page=True), part(3, transparent=True)):
        await render(engine, PAGE, output)
        assert (await render(engine, PAGE, image())).data == first.data

"""What documents show of other sites: loaded by the renderer, drawn by a browser that reaches no network."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from pypdf import PdfReader

from pressline.batch.v1.batch_pb2 import OutputSpec
from services.renderer.egress.egress import Egress
from services.renderer.egress.item import ItemResources
from services.renderer.engine.engine import Engine
from services.renderer.engine.model import NEUTRAL, Budget, Job, Rendered
from tests.support import fonts
from tests.support.assets import BLUE, GREEN, RED, png, svg
from tests.support.renderer import image, pdf, pixel, running_engine, source
from tests.support.sites import Page, Site, running_site, way_out

BLACK, WHITE = (0, 0, 0), (255, 255, 255)
SCRIPT = "<script></script>"
CSS = b"""@import url(more.css); @font-face{font-family:Brand;src:url(../fonts/brand.woff2)}
body{margin:0;font:40px/40px Brand} p{position:absolute;left:0;top:0;margin:0}"""
PAGES: dict[str, Page] = {
    "/red.png": ("image/png", png(RED)),
    "/drawn.svg": ("image/svg+xml", svg("#00ff00")),
    "/untyped": ("application/octet-stream", png(BLUE)),
    "/css/site.css": ("text/css; charset=utf-8", CSS),
    "/css/more.css": (
        "text/css",
        b"div{position:absolute;left:40px;top:0;width:40px;height:40px;background:url(/red.png)}",
    ),
    "/fonts/brand.woff2": ("font/woff2", fonts.woff2("Brand")),
    "/moved": web.Response(status=302, headers={"Location": "/css/site.css"}),
    "/paint.js": ("text/javascript", b"document.body.style.background = '#00ff00'"),
    "/data.json": ("application/json", b'{"colour": "#0000ff"}'),
    "/page.html": ("text/html", b"<body style='background:red'>"),
    "/cut.png": ("image/png", png(RED)[:60]),
}


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with running_engine() as running:
        yield running


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with running_site(PAGES) as running:
        yield running


@pytest.fixture
async def egress(site: Site) -> AsyncIterator[Egress]:
    async with way_out(site.port) as opened:
        yield opened


async def render(engine: Engine, html: str, remote: ItemResources | None, output: OutputSpec | None = None) -> Rendered:
    job = Job("account", source(html), b"{}", output or image(), NEUTRAL, None, remote)
    return await engine.render(job, Budget(120))


@pytest.mark.parametrize("script", ["", SCRIPT], ids=["static", "scripted"])
@pytest.mark.parametrize("delay", [0, 0.2], ids=["at once", "slowly"])
async def test_images_style_sheets_and_fonts(
    engine: Engine, site: Site, egress: Egress, script: str, delay: float
) -> None:
    site.delay_seconds = delay
    item = egress.of("batch")
    html = f"""<!doctype html><link rel=stylesheet href="{site.url}/moved">{script}<p>A</p><div></div>
      <style>img,svg{{position:absolute;top:40px;width:40px;height:40px}}</style>
      <img style="left:0" src="{site.url}/red.png"><img style="left:40px" srcset="{site.url}/drawn.svg 1x">
      <img style="left:80px" loading=lazy src="{site.url}/untyped">
      <svg style="left:120px"><image width=40 height=40 href="{site.url}/red.png"/></svg>"""
    rendered = await render(engine, html, item)
    assert item.warnings == []
    found = {x: (pixel(rendered, x, 10), pixel(rendered, x, 60)) for x in (20, 60, 100, 140)}
    # The letter is a box of the font's, the box beside it the style sheet's background.
    assert found == {20: (BLACK, RED), 60: (RED, GREEN), 100: (WHITE, BLUE), 140: (WHITE, RED)}
    assert sorted(site.asked) == sorted(
        ["/css/more.css", "/css/site.css", "/drawn.svg", "/fonts/brand.woff2", "/moved", "/red.png", "/untyped"]
    )


@pytest.mark.parametrize("script", ["", SCRIPT], ids=["static", "scripted"])
async def test_pdfs(engine: Engine, site: Site, egress: Egress, script: str) -> None:
    html = f"""{script}<style>div{{width:9px;height:9px;background:url({site.url}/red.png)}}</style>
      <img src="{site.url}/untyped"><div>"""
    item = egress.of("batch")
    rendered = await render(engine, html, item, pdf())
    (page,) = PdfReader(io.BytesIO(rendered.data)).pages
    assert len(page.images) == 2
    assert item.warnings == []


async def test_scripts_and_what_they_fetch(engine: Engine, site: Site, egress: Egress) -> None:
    item = egress.of("batch")
    html = f"""<body style="margin:0"><script src="{site.url}/paint.js"></script>
      <div id=box style="width:20px;height:20px"></div><script>
      pressline.ready(fetch("{site.url}/data.json").then((answer) => answer.json())
        .then((found) => {{ box.style.background = found.colour }}));</script>"""
    rendered = await render(engine, html, item)
    assert (pixel(rendered, 10, 10), pixel(rendered, 100, 50)) == (BLUE, GREEN)
    assert item.warnings == []


async def test_a_batch_loads_its_logo_once(engine: Engine, site: Site, egress: Egress) -> None:
    html = f'<style>*{{margin:0}}</style><img src="{site.url}/red.png">'
    for index in range(6):
        rendered = await render(engine, f"{html}{index}" + SCRIPT * (index % 2), egress.of("batch"))
        assert pixel(rendered, 20, 20) == RED
    assert site.asked == ["/red.png"]
    # The next batch sees what is there by then, on the same warm page.
    site.pages["/red.png"] = ("image/png", png(BLUE))
    assert pixel(await render(engine, html, egress.of("next")), 20, 20) == BLUE
    assert pixel(await render(engine, html, egress.of("batch")), 20, 20) == RED
    assert site.asked == ["/red.png", "/red.png"]


@pytest.mark.parametrize("script", ["", SCRIPT], ids=["static", "scripted"])
async def test_what_is_not_loaded_is_named_and_the_rest_is_shown(
    engine: Engine, site: Site, egress: Egress, script: str
) -> None:
    item = egress.of("batch")
    html = f"""<link rel=stylesheet href="{site.url}/page.html">{script}
      <style>@font-face{{font-family:F;src:url({site.url}/gone.woff2)}} *{{margin:0;font-family:F}}</style>
      <img src="{site.url}/red.png"><img src="{site.url}/gone.png?{"x" * 500}"><img src="http://10.0.0.1/inside.png">
      <img src="http://169.254.169.254/latest/meta-data/"><video src="{site.url}/film.mp4"></video>text"""
    for _ in range(2):  # A page remembers what failed; the next item is told of it all the same.
        item = egress.of("batch")
        assert pixel(await render(engine, html, item), 20, 20) == RED
        told = "\n".join(item.warnings)
        assert f"The style sheet {site.url}/page.html was not loaded: the server answered with 'text/html'." in told
        assert f"The font {site.url}/gone.woff2 was not loaded: the server answered 404." in told
        assert f"The image {site.url}/gone.png?xxx" in told
        closed = "its host has no address that documents may load from."
        assert f"The image http://10.0.0.1/inside.png was not loaded: {closed}" in told
        assert f"The image http://169.254.169.254/latest/meta-data/ was not loaded: {closed}" in told
        assert f"The resource {site.url}/film.mp4 was not loaded" in told
        assert len(item.warnings) == 6
    assert sorted(set(site.asked)) == ["/gone.png", "/gone.woff2", "/page.html", "/red.png"]
    assert len(site.asked) == 4


async def test_nothing_is_asked_for_where_nothing_may_be_loaded(engine: Engine, site: Site) -> None:
    for script in ("", SCRIPT):
        await render(engine, f'{script}<img src="{site.url}/red.png"><img src="http://127.0.0.1:{site.port}/">', None)
    assert site.receiver.received == []

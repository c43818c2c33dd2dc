"""Documents see their account's fonts and images, and nobody else's; the network stays closed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from pressline.asset.v1.asset_pb2 import AssetSet
from services.renderer.assets import ItemAssets
from services.renderer.engine.engine import Engine
from services.renderer.engine.model import Budget, ErrorCode, Job, Rendered, RenderError
from services.renderer.engine.requests import WAITING
from services.renderer.kept import Kept
from tests.support import fonts
from tests.support.assets import BLUE, GREEN, RED, Files, png, stored, svg
from tests.support.renderer import image, pdf, pixel, running_engine, source

HOST = "https://assets.pressline.invalid"
WHITE, BLACK = (255, 255, 255), (0, 0, 0)
SCRIPT = "<script>document.title = 'scripted'</script>"
STYLE = "<!doctype html><style>body{margin:0}img,div,span{position:absolute;top:0;width:40px;height:40px}</style>"
IMAGES = f"""{STYLE}<img src="{HOST}/logo.png"><img style="left:40px" src="{HOST}/drawn.svg">
<div style="left:80px;background:url({HOST}/logo.png)"></div>
<style>.late::after{{content:url("{HOST}/drawn.svg")}}</style><div class=late style="left:120px"></div>"""
TEXT = f"""{STYLE}<style>span{{font-size:40px;line-height:40px}}</style>
<span style="font-family:'Brand Face'">A</span><span style="left:40px;font-family:Low">A</span>
<span style="left:80px;font:italic bold 40px/40px 'Brand Face'">A</span>"""


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with running_engine() as running:
        yield running


async def _away(_key: str) -> bytes:
    raise OSError("away")


async def show(engine: Engine, html: str, assets: ItemAssets, account: str = "account") -> Rendered:
    return await engine.render(Job(account, source(html), b"{}", image(200, 100), assets=assets), Budget(60))


def middles(rendered: Rendered, count: int) -> list[tuple[int, int, int]]:
    """The colours in the upper middle of boxes of 40 pixels."""
    return [pixel(rendered, 40 * box + 20, 10) for box in range(count)]


@pytest.mark.parametrize("script", ["", SCRIPT])
async def test_images_are_shown_wherever_css_or_html_names_them(engine: Engine, script: str) -> None:
    files = Files({"logo.png": png(RED), "drawn.svg": svg("blue")})
    # The second time on a page that has shown them.
    for _ in range(2):
        assets = files.of_item()
        rendered = await show(engine, IMAGES + script, assets)
        assert middles(rendered, 5) == [RED, BLUE, RED, BLUE, WHITE]
        assert (assets.warnings, assets.failure) == ([], "")


@pytest.mark.parametrize("script", ["", SCRIPT])
async def test_fonts_are_used_by_their_family_weight_and_style(engine: Engine, script: str) -> None:
    contents = {
        "brand.woff2": fonts.woff2("Brand Face"),
        "low.ttf": fonts.truetype("Low", tall=False),
        "italic.ttf": fonts.truetype("Brand Face", weight=700, italic=True, tall=False),
    }
    rendered = await show(engine, TEXT + script, Files(contents).of_item())
    assert middles(rendered, 4) == [BLACK, WHITE, WHITE, WHITE]
    assert [pixel(rendered, x, 30) for x in (20, 60, 100, 140)] == [BLACK, BLACK, BLACK, WHITE]


async def test_a_family_name_cannot_break_out_of_its_rule(engine: Engine) -> None:
    name = 'B"}</style><script>document.body.remove()</script>\\'
    said = json.dumps(name).replace("<", "&lt;").replace("'", "&apos;")
    html = f"{STYLE}<span style='font-size:40px;line-height:40px;font-family:{said}'>A</span>"
    rendered = await show(engine, html, Files({"b.ttf": fonts.truetype(name)}).of_item())
    assert middles(rendered, 1) == [BLACK]


async def test_the_documents_own_font_of_that_name_wins(engine: Engine) -> None:
    files = Files({"brand.woff2": fonts.woff2("Brand Face"), "low.ttf": fonts.truetype("Low", tall=False)})
    own = f"<style>@font-face{{font-family:'Brand Face';src:url({HOST}/low.ttf)}}</style>"
    rendered = await show(engine, TEXT + own, files.of_item())
    assert (pixel(rendered, 20, 10), pixel(rendered, 20, 30)) == (WHITE, BLACK)


@pytest.mark.parametrize("before", ["", "<!-- > -->\n", " "])
async def test_a_font_leaves_the_document_in_standards_mode(engine: Engine, before: str) -> None:
    told = "document.body.style.background = document.compatMode === 'CSS1Compat' ? 'lime' : 'red'"
    html = f"{before}{STYLE}<body><script>{told}</script>"
    rendered = await show(engine, html, Files({"f.ttf": fonts.truetype("F")}).of_item())
    assert pixel(rendered, 150, 50) == GREEN


@pytest.mark.parametrize("script", ["", SCRIPT])
async def test_what_is_missing_is_a_warning_every_time(engine: Engine, script: str) -> None:
    html = f"{STYLE}<img src='{HOST}/gone.png'><div style='background:url({HOST}/none.png)'></div>"
    for files in (Files({"logo.png": png(RED)}), Files({})):
        for _ in range(2):
            assets = files.of_item("none" if not files.contents else "set")
            await show(engine, html + script, assets)
            assert sorted(assets.warnings) == [
                f"The account had no asset {name!r} when the batch was submitted." for name in ("gone.png", "none.png")
            ]


@pytest.mark.parametrize("script", ["", SCRIPT])
async def test_another_set_of_the_same_names_is_another_picture(engine: Engine, script: str) -> None:
    first = Files({"logo.png": png(RED), "brand.ttf": fonts.truetype("Brand Face"), "drawn.svg": svg("blue")})
    second = Files({"logo.png": png(GREEN), "brand.ttf": fonts.truetype("Brand Face", tall=False)})
    letter = "<span style='font:40px/40px Brand Face;left:160px'>A</span>"
    html = IMAGES + letter
    for _ in range(2):
        assert middles(await show(engine, html + script, first.of_item("one")), 5) == [RED, BLUE, RED, BLUE, BLACK]
        rendered = await show(engine, html + script, second.of_item("two"))
        assert middles(rendered, 5) == [GREEN, WHITE, GREEN, WHITE, WHITE]
        none = await show(engine, html + script, Files({}).of_item("none"))
        assert middles(none, 4) == [WHITE] * 4


async def test_a_page_asks_again_for_what_could_not_be_read(engine: Engine) -> None:
    files = Files({"logo.png": png(RED), "drawn.svg": svg("blue")})
    known = AssetSet(assets=[stored(name, data) for name, data in files.contents.items()])
    away = ItemAssets("one", known, Kept(_away, len, 1))
    await show(engine, IMAGES, away)
    assert away.failure.startswith("the asset ")
    assert middles(await show(engine, IMAGES, files.of_item("one")), 4) == [RED, BLUE, RED, BLUE]


async def test_accounts_see_their_own_at_the_same_time(engine: Engine) -> None:
    of = {
        "red": Files({"logo.png": png(RED), "drawn.svg": svg("red")}),
        "green": Files({"logo.png": png(GREEN), "drawn.svg": svg("lime")}),
        "none": Files({}),
    }
    colours = {"red": RED, "green": GREEN, "none": WHITE}
    for _ in range(3):
        made = await asyncio.gather(*(show(engine, IMAGES, of[name].of_item(name), name) for name in of))
        for name, rendered in zip(of, made, strict=True):
            assert middles(rendered, 4) == [colours[name]] * 4


async def test_scripts_read_assets_and_reach_nothing_else(engine: Engine) -> None:
    closed = [f"{HOST}:444/logo.png", "http:" + HOST.removeprefix("https:"), "https://x.assets.pressline.invalid/a"]
    asked = json.dumps(
        [f"{HOST}/logo.png", f"{HOST}/logo.png?v=2#x", f"{HOST}/gone.png", *closed, "https://example.com/"]
    )
    html = f"""{STYLE}<div id=box></div><script>
      const get = async (url) => {{ try {{ return (await fetch(url)).status; }} catch {{ return "closed"; }} }};
      pressline.ready((async () => {{
        const seen = [];
        for (const url of {asked}) seen.push(await get(url));
        if (String(seen) !== "200,200,404,closed,closed,closed,closed") throw String(seen);
        box.style.background = "blue";
      }})());</script>"""
    rendered = await show(engine, html, Files({"logo.png": png(RED)}).of_item())
    assert middles(rendered, 1) == [BLUE]


async def test_a_pdf_embeds_the_fonts(engine: Engine) -> None:
    files = Files({"brand.woff2": fonts.woff2("Brand Face")})
    job = Job("account", source(TEXT), b"{}", pdf(), assets=files.of_item())
    assert b"BrandFace" in (await engine.render(job, Budget(60))).data


async def test_a_document_that_names_no_asset_asks_for_none(engine: Engine) -> None:
    files = Files({"logo.png": png(RED), "brand.woff2": fonts.woff2("Brand Face")})
    await show(engine, "<p>hello</p>", files.of_item())
    assert files.reads == []


async def test_a_document_that_asks_without_end_holds_up_nobody(engine: Engine) -> None:
    files, let_go = Files({"logo.png": png(RED)}), asyncio.Event()

    async def slowly(key: str) -> bytes:
        await let_go.wait()
        return await files.read(key)

    # Nothing comes before the document is given up, however fast it is asked for and answered.
    assets = ItemAssets("set", AssetSet(assets=[stored("logo.png", png(RED))]), Kept(slowly, len, 1 << 20))
    flood = f"for (let i = 0; i < {5 * WAITING}; i++) fetch('{HOST}/logo.png?' + i).catch(() => 0)"
    html = f"<script>{flood}</script><img src='{HOST}/logo.png'>"
    with pytest.raises(RenderError) as failed:
        await engine.render(Job("flood", source(html), b"{}", image(), assets=assets), Budget(5))
    assert failed.value.code == ErrorCode.RENDER_TIMEOUT
    let_go.set()
    rendered = await show(engine, f"{STYLE}<img src='{HOST}/logo.png'>", files.of_item(), "flood")
    assert middles(rendered, 1) == [RED]

"""What is told of pages that came out, but perhaps not as their author meant."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator

import pytest

from pressline.batch.v1.batch_pb2 import FORMAT_JPEG, FORMAT_PNG, FORMAT_WEBP, ImageOptions, OutputSpec
from services.renderer.engine.engine import Engine
from services.renderer.engine.model import Budget, Job
from services.renderer.engine.requests import Answer
from tests.support.fonts import truetype
from tests.support.renderer import LENIENT, image, pdf, render, running_engine, source

START = "<!doctype html><style>*{margin:0;font:16px sans-serif}</style>"
LONG = "A name that is much too long for the room that it was given"
BOX = "<div id=card style='width:90px;height:20px;white-space:nowrap;overflow:hidden'>"


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with running_engine(pages=1) as running:
        yield running


async def told(engine: Engine, document: str, output: OutputSpec | None = None) -> list[str]:
    return list((await render(engine, START + document, output)).warnings)


@pytest.mark.parametrize(
    "document",
    [
        "Short",
        "“Typographic” \u2013 signs… € ™ 漢字 かな 한글 ب ไทย 😀 👍🏽 🇩🇪",
        "👨\u200d👩\u200d👧 e\u0301 x\ufe0f a\u00ad\u200bb \u3000",
        "<p style='width:90px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap'>" + LONG,
        "<style>p{width:90px;height:36px;overflow:hidden;display:-webkit-box;-webkit-line-clamp:2;"
        "-webkit-box-orient:vertical}</style><p>" + LONG,
        "x<span style='position:absolute;width:1px;height:1px;overflow:hidden'>for screen readers</span>",
        f"x<div style='height:0;overflow:hidden'>{LONG}</div>",
        f"x<div style='visibility:hidden'>{BOX}{LONG}</div></div><p hidden>\ue000</p>",
        "<h1 style='font:60px/1 serif;height:60px;overflow:hidden'>gÅjpq</h1>",
        f"x{BOX}<p style='width:300px;background:red'>short</p></div>",
        "x<img src=\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'><rect width='9' height='9'/></svg>\">",
        "<script>console.log('a'); console.warn('b')</script>x",
    ],
    ids=range(12),
)
async def test_nothing_is_told_of_good_pages(engine: Engine, document: str) -> None:
    assert await told(engine, document) == []


async def test_text_that_does_not_fit_into_its_box(engine: Engine) -> None:
    sentence = f'TEXT_CLIPPED: "{LONG}" does not fit into its box (div.a > div#card).'
    for output in (image(), pdf()):
        assert await told(engine, f"<div class='a'>{BOX}<b>{LONG}</b></div>", output) == [sentence]
    lines = f"<p style='width:180px;height:30px;overflow:hidden'>{LONG}</p>"
    assert await told(engine, lines) == [f'TEXT_CLIPPED: "{LONG}" does not fit into its box (p).']


async def test_text_that_the_edge_of_the_image_cuts_off(engine: Engine) -> None:
    sentence = f'TEXT_CLIPPED: "{LONG}" is cut off by the edge of the image.'
    wide = f"<p id=x style='white-space:nowrap'>{LONG}</p>"
    assert await told(engine, wide) == [sentence]
    assert await told(engine, wide, pdf()) == []
    low = f"<p style='padding-top:90px'>{LONG}</p>"
    assert await told(engine, low) == [sentence]
    whole = OutputSpec(format=FORMAT_PNG, image=ImageOptions(width=200, height=100, full_page=True))
    assert await told(engine, low, whole) == []
    of_one = OutputSpec(format=FORMAT_PNG, image=ImageOptions(width=900, height=100, selector="#x"))
    assert await told(engine, f"<div style='width:80px'>{wide}</div>", of_one) == [sentence]
    assert await told(engine, wide.replace("<p", "<p class=wide"), of_one) == []


async def test_characters_that_no_font_has(engine: Engine) -> None:
    found = await told(engine, "<p>a \ue123 b</p><h1>\u0378</h1>")
    assert found == [
        "MISSING_GLYPH: No font has U+E123, as in p: a box or nothing is drawn for it.",
        "MISSING_GLYPH: No font has U+0378, as in h1: a box or nothing is drawn for it.",
    ]


async def test_characters_of_a_documents_own_font(engine: Engine) -> None:
    font = base64.b64encode(truetype("Icons", letter="\ue123")).decode()
    rule = f"<style>@font-face{{font-family:Icons;src:url(data:font/ttf;base64,{font})}} i{{font-family:Icons}}</style>"
    assert await told(engine, f"{rule}x<i>\ue123</i>") == []
    assert len(await told(engine, f"{rule}x<i>\ue124</i>")) == 1
    assert len(await told(engine, f"{rule}x<i>\ue123</i><p>\ue123")) == 1


async def test_images_and_fonts_that_cannot_be_used(engine: Engine) -> None:
    document = """<style>@font-face{font-family:"Own Sans";src:url(data:font/woff2;base64,AAAA)}
    p{font-family:"Own Sans"}</style><p>x</p><img class="logo wide" src="data:image/png;base64,AAAA">"""
    assert await told(engine, document) == [
        "SUBRESOURCE_FAILED: The image data:image/png;base64,AAAA cannot be shown (img.logo.wide).",
        "SUBRESOURCE_FAILED: A font file of Own Sans cannot be used.",
    ]


async def test_errors_of_scripts(engine: Engine) -> None:
    document = """x<script>console.error("No data:", 7, new Error("broken"), {});
    missing();</script><script>Promise.reject(new TypeError("later"));
    for (let i = 0; i < 1e4; i += 1) console.error("x".repeat(1e4));</script>"""
    found = await told(engine, document)
    assert found[:3] == [
        "CONSOLE_ERROR: No data: 7 broken an object",
        "CONSOLE_ERROR: Uncaught ReferenceError: missing is not defined (line 2)",
        "CONSOLE_ERROR: " + "x" * 200,
    ]
    assert len(found) <= 5


async def test_a_script_cannot_make_more_of_its_errors(engine: Engine) -> None:
    document = """x<script>
    for (const method of ["slice", "map", "join"]) Array.prototype[method] = () => "y".repeat(1e7);
    Object.prototype.toJSON = () => "y".repeat(1e7); String.prototype.slice = () => "y".repeat(1e7);
    presslinePage = null; console.error("once"); null.x;</script>"""
    for warning in await told(engine, document):
        assert len(warning) <= 300


async def test_pages_that_show_nothing(engine: Engine) -> None:
    for format_ in (FORMAT_PNG, FORMAT_JPEG, FORMAT_WEBP):
        sentence = "BLANK_PAGE: The image has one colour all over."
        for size in ((1200, 630), (10, 10)):
            assert await told(engine, "", image(*size, format_=format_)) == [sentence]
            assert await told(engine, "<body style='background:#357'>", image(*size, format_=format_)) == [sentence]
        dot = "<i style='position:absolute;left:3px;top:3px;width:2px;height:2px;background:#000'></i>"
        assert await told(engine, dot, image(1200, 630, format_=format_)) == []


async def test_documents_that_show_nothing(engine: Engine) -> None:
    for document in ("", "<p> \n</p><script></script>", "<p hidden>x</p>", "<style>p{color:red}</style><div></div>"):
        assert await told(engine, document, pdf()) == ["BLANK_PAGE: The document shows nothing."], document
    for document in ("<p>x", "<hr>", "<div style='height:9px;background:red'></div>", "<svg></svg>"):
        assert await told(engine, document, pdf()) == [], document


async def test_variables_that_are_empty(engine: Engine) -> None:
    template = """<p>{{name}} {{#each rows}}{{label}}{{/each}}</p>
{{#if subtitle}}{{subtitle}}{{/if}}{{default nick "-"}}{{zero}}{{@index}}{{title}}"""
    row = '{"name": null, "rows": [{"label": ""}, {"label": "b"}, {}], "zero": 0, "subtitle": ""}'
    rendered = await render(engine, source(template, LENIENT), image(), row)
    assert [warning for warning in rendered.warnings if warning.startswith("EMPTY")] == [
        'EMPTY_VARIABLE: "name" on line 1 of the template is empty.',
        'EMPTY_VARIABLE: "label" on line 1 of the template is empty.',
        'EMPTY_VARIABLE: "@index" on line 2 of the template is empty.',
        'EMPTY_VARIABLE: "title" on line 2 of the template is empty.',
    ]
    again = await render(engine, source(template.replace("{{@index}}{{title}}", ""), LENIENT), image(), '{"name": "x"}')
    assert list(again.warnings) == ['EMPTY_VARIABLE: "zero" on line 2 of the template is empty.']


async def test_warnings_are_few_and_short_and_always_the_same(engine: Engine) -> None:
    document = START + (f"{BOX}{LONG * 50}</div>" * 300) + "".join(map(chr, range(0xE000, 0xE100)))
    first = await render(engine, document)
    assert {warning.partition(":")[0] for warning in first.warnings} == {"MISSING_GLYPH", "TEXT_CLIPPED"}
    assert len(first.warnings) == 6
    assert max(map(len, first.warnings)) <= 300
    assert await render(engine, document) == first


async def test_names_in_the_document_hide_nothing(engine: Engine) -> None:
    names = "".join(f"<form name={name}></form>" for name in ("fonts", "documentElement", "createTreeWalker", "images"))
    inputs = "<form id=f><input name=id><input name=parentElement></form>"
    assert len(await told(engine, f"{names}{inputs}{BOX}{LONG}")) == 1


class Elsewhere:
    """Another site: it has one file, which is no image, and nothing else."""

    id = "batch"

    async def answer(self, url: str, method: str, kind: str) -> Answer | None:
        assert (method, kind) in {("GET", "Image"), ("GET", "Font")}
        return Answer(200, {"Content-Type": "image/png"}, b"no image") if url.endswith("there.png") else None


async def test_what_was_refused_is_not_told_twice(engine: Engine) -> None:
    document = """x<img src="https://e.com/gone.png"><img src="https://e.com/there.png">
    <style>@font-face{font-family:Own;src:url(https://e.com/gone.woff2)} body{font-family:Own}</style>"""
    job = Job("account", source(START + document), b"{}", image(), remote=Elsewhere())
    rendered = await engine.render(job, Budget(120))
    assert list(rendered.warnings) == ["SUBRESOURCE_FAILED: The image https://e.com/there.png cannot be shown (img)."]

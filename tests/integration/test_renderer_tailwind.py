"""Tailwind CSS, compiled in the compiler page from the class names of a document."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from pressline.task.v1.task_pb2 import SourceDocument
from services.renderer.engine import compiler as compiling
from services.renderer.engine.compiler import Compiler
from services.renderer.engine.engine import Engine
from services.renderer.engine.model import ErrorCode, RenderError
from tests.support.renderer import HTML, STRICT, Pixel, pixel, render, running_engine, source

REACT = SourceDocument.KIND_REACT
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 128, 0), (0, 0, 255), (255, 255, 255)


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with running_engine() as running:
        yield running


def styled(body: str, styles: str = "", kind: SourceDocument.Kind.ValueType = STRICT) -> SourceDocument:
    document = source(body, kind, styles)
    document.tailwind = True
    return document


async def colours(engine: Engine, document: SourceDocument, data: Any = None) -> list[Pixel]:
    """The colours of a picture at the centre of its left and of its right half."""
    shown = await render(engine, document, data=json.dumps(data or {}))
    return [pixel(shown, 50, 50), pixel(shown, 150, 50)]


async def html(compiler: Compiler, document: SourceDocument, data: Any = None) -> str:
    filled = await compiler.fill(document, json.dumps(data or {}).encode(), "")
    return filled.html


THEME = "@theme { --color-warm: red; --color-calm: blue; --color-fresh: green; }"
HALVES = '<div class="flex h-[100px]"><i class="w-1/2 {{left}}"></i><i class="w-1/2 bg-{{right}}"></i></div>'
COMPONENT = """
const tones: Record<string, string> = { calm: 'bg-calm', warm: "bg-warm" };
export default ({ left, right }: { left: string; right: string }) => (
  <div className="flex h-[100px] [&>i]:w-1/2"><i className={left} /><i className={tones[right]} /></div>
);"""


@pytest.mark.parametrize(("body", "kind"), [(HALVES, STRICT), (COMPONENT, REACT)], ids=["template", "component"])
async def test_class_names_come_from_the_source_and_from_the_row(
    engine: Engine, body: str, kind: SourceDocument.Kind.ValueType
) -> None:
    document = styled(body, THEME, kind)
    assert await colours(engine, document, {"left": "bg-warm", "right": "calm"}) == [RED, BLUE]
    assert await colours(engine, document, {"left": "bg-fresh", "right": "warm"}) == [GREEN, RED]
    assert await colours(engine, document, {"left": "no-such-class", "right": "calm"}) == [WHITE, BLUE]


async def test_scripts_may_use_class_names_too(engine: Engine) -> None:
    body = """<div id="box" class="h-24"></div>
    <script>document.getElementById("box").className = `h-24 ${["bg-[#f00]", 'flex'].join(" ")}`;</script>"""
    assert await colours(engine, styled(body, kind=HTML)) == [RED, RED]


async def test_the_directives_of_tailwind_are_understood(engine: Engine) -> None:
    styles = (
        THEME + "@utility paint-* { background: --value(--color-*) } .box { @apply paint-calm h-24; "
        "@variant first-of-type { @apply paint-fresh } } @source inline('bg-warm');"
    )
    body = '<div class="flex"><div class="box w-1/2"></div><b class="box w-1/2"></b></div>'
    assert await colours(engine, styled(body, styles, HTML)) == [GREEN, GREEN]
    assert ".bg-warm" in await html(engine._shared.compiler, styled(body, styles, HTML))


async def test_the_reset_is_there_and_own_css_wins(engine: Engine) -> None:
    body = "<h1 class='h-24 bg-blue-500 mine'>x</h1><style>.mine { background: red }</style>"
    document = styled(body, ".mine { color: red }", HTML)
    shown = await render(engine, document)
    assert pixel(shown, 0, 0) == RED  # A heading has a margin otherwise.


async def test_imports_stay_before_everything_else(engine: Engine) -> None:
    address = "https://fonts.invalid/css2?family=Lato:wght@400;700"
    document = styled("<p class='flex'>x</p>", f"@import url('{address}'); p {{ color: red }}", HTML)
    filled = await html(engine._shared.compiler, document)
    sheet = filled.partition("<style>")[2]
    assert sheet.startswith(f"@import url('{address}');\n")
    assert sheet.count("@import") == 1


async def test_what_other_rows_used_leaves_no_trace(engine: Engine) -> None:
    compiler = engine._shared.compiler
    document = styled('<p class="p-2 {{c}}">x</p>')
    first = await html(compiler, document, {"c": "flex"})
    assert "display: flex" in first
    other = await html(compiler, document, {"c": "grid"})
    assert "display: grid" in other
    assert "display: flex" not in other
    # More than are kept.
    for index in range(20):
        assert f"calc(var(--spacing) * {index + 100})" in await html(compiler, document, {"c": f"m-{index + 100}"})
        await html(compiler, styled(f"<p>{index}</p>", kind=HTML))
    assert await html(compiler, document, {"c": "flex"}) == first


async def test_names_that_are_none_of_tailwinds_share_a_style_sheet(engine: Engine) -> None:
    compiler = engine._shared.compiler
    document = styled('<p class="p-2 row-{{n}}" id="x">x</p>')
    sheets = {(await html(compiler, document, {"n": f"x{n}"})).partition("<style>")[2] for n in range(5)}
    assert len({sheet.partition("</style>")[0] for sheet in sheets}) == 1


async def test_a_document_in_tailwind_needs_no_scripts(engine: Engine) -> None:
    filled = await engine._shared.compiler.fill(styled("<p class='flex'>x</p>", kind=HTML), b"{}", "")
    assert not filled.scripted


async def test_styles_cannot_leave_their_element(engine: Engine) -> None:
    document = styled("<p class='flex'>x</p>", 'p::after { content: "</style><script>1</script>" }', HTML)
    filled = await html(engine._shared.compiler, document)
    assert filled.count("</style>") == 1
    assert "</script>" not in filled


@pytest.mark.parametrize("kind", [HTML, STRICT, REACT])
@pytest.mark.parametrize(
    ("styles", "parts"),
    [
        ("h1 { color: red }\nh2 {\n  @apply flex nosuch;\n}", ["line 3, column 15", "`nosuch`"]),
        ("\nh1 color: red }", ["line 2, column 15", "Missing opening {"]),
        ("h1 {}\nh2 { color: red;", ["line 2, column 1", "Missing closing }"]),
        ("@theme {\n  color: red;\n}", ["line 2, column 3", "custom properties"]),
        ("h1 { @variant nosuch { color: red } }", ["line 1", "nosuch"]),
        ("h1 { color: theme(--nosuch) }", ["line 1, column 13", "theme(--nosuch)"]),
        ("\n@plugin 'typography';", ["line 2", '"typography" cannot be loaded']),
        ("@import './more.css';", ["line 1", '"./more.css" cannot be imported']),
    ],
)
async def test_errors_name_what_is_wrong_and_where(
    engine: Engine, kind: SourceDocument.Kind.ValueType, styles: str, parts: list[str]
) -> None:
    body = "export default () => <p/>" if kind == REACT else "<p>x</p>"
    with pytest.raises(RenderError) as caught:
        await html(engine._shared.compiler, styled(body, styles, kind))
    assert caught.value.code is ErrorCode.COMPILE_ERROR
    assert [part for part in parts if part not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("body", "styles"),
    [
        ("<p>x</p>", "p { color: red }\n" * 30_000),
        ("<p>x</p><script>" + " ".join(f"word-{index}" for index in range(21_000)) + "</script>", ""),
    ],
    ids=["styles", "words"],
)
async def test_too_much_is_refused(engine: Engine, body: str, styles: str) -> None:
    with pytest.raises(
        RenderError, match="Tailwind takes styles of 500000 characters and documents of 20000"
    ) as caught:
        await html(engine._shared.compiler, styled(body, styles, HTML))
    assert caught.value.code is ErrorCode.RESOURCE_LIMIT


async def test_styles_that_take_for_ever_are_stopped(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "FILL_SECONDS", 2.0)
    layers = "".join(
        f"@utility a{index} {{ @apply hover:a{index - 1} focus:a{index - 1} active:a{index - 1}; }}"
        for index in range(1, 30)
    )
    document = styled("<p class='a29'>x</p>", "@utility a0 { color: red }" + layers, HTML)
    with pytest.raises(RenderError, match="took longer than 2 seconds") as caught:
        await html(engine._shared.compiler, document)
    assert caught.value.code is ErrorCode.RENDER_TIMEOUT
    monkeypatch.undo()
    assert "display: flex" in await html(engine._shared.compiler, styled("<p class='flex'>x</p>", kind=HTML))

"""Items of one template change the page where it stands; whatever came before, each is as it would be alone."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Mapping

import pikepdf
import pytest

from pressline.batch.v1.batch_pb2 import OutputSpec
from pressline.task.v1.task_pb2 import SourceDocument
from services.renderer.engine.engine import Engine
from services.renderer.engine.model import Rendered
from services.renderer.engine.tab import Tab
from tests.support.fonts import truetype
from tests.support.renderer import LENIENT, image, pdf, pixel, render, source

Row = Mapping[str, object]
FONT = base64.b64encode(truetype("Boxes")).decode()
FACE = f"@font-face{{font-family:Boxes;src:url(data:font/ttf;base64,{FONT})}}"
SHAPE = "<rect {} width='40' height='40'/>"
SVG = f"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='40' height='40'>{SHAPE}</svg>"
CARD = """<!doctype html><title>{{title}}</title><style>body{margin:0} b{display:block;height:50px}</style>
<b style="background:{{colour}}" class="{{kind}}"></b><p data-n="{{n}}">{{text}}</p>{{#if more}}<i>{{more}}</i>{{/if}}
<svg width="90" height="20"><rect width="{{n}}" height="20" fill="{{colour}}"/></svg><a href="https://example.com/{{n}}">x</a>"""
ROW = {"title": "One", "colour": "#ff0000", "kind": "wide", "n": 10, "text": "first & last"}
OTHER = {"title": "Two", "colour": "#00ff00", "kind": "", "n": 80, "text": "a much longer text <b>that</b> wraps"}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that pages are sent."""
    methods, send = list[str](), Tab.send

    async def noted(tab: Tab, method: str, **parameters: object) -> object:
        methods.append(method)
        return await send(tab, method, **parameters)

    monkeypatch.setattr(Tab, "send", noted)
    return methods


class Page:
    """The rows of a template as one account after another, or the same one, has them rendered."""

    def __init__(self, engine: Engine, body: str, output: OutputSpec, name: str, sent: list[str]) -> None:
        self._engine = engine
        self._source: SourceDocument = source(body, LENIENT)
        self._output = output
        self._name = name
        self._sent = sent
        self._count = 0

    async def begin(self, row: Row) -> Rendered:
        """Show a row of a kind that has been seen before: nothing is kept of the first one."""
        await self.show(row)
        return await self.show(row)

    async def show(self, row: Row, output: OutputSpec | None = None) -> Rendered:
        """On the page that showed the row before."""
        return await self._render(row, output, self._name)

    async def alone(self, row: Row, output: OutputSpec | None = None) -> Rendered:
        """On a page that has shown nothing."""
        self._count += 1
        return await self._render(row, output, f"{self._name} {self._count}")

    async def _render(self, row: Row, output: OutputSpec | None, account: str) -> Rendered:
        self._sent.clear()
        return await render(self._engine, self._source, output or self._output, json.dumps(row), account)

    @property
    def was_set(self) -> bool:
        """Whether the last row was shown as a whole."""
        return "Page.setDocumentContent" in self._sent


PageOf = Callable[[str, OutputSpec], Page]


@pytest.fixture
def page(engine: Engine, sent: list[str], request: pytest.FixtureRequest) -> PageOf:
    """Makes a page of its own for a template."""
    return lambda body, output: Page(engine, body, output, request.node.name, sent)


@pytest.mark.parametrize("output", [image(200, 120), pdf()], ids=["png", "pdf"])
async def test_values_are_changed_where_they_stand(page: PageOf, output: OutputSpec) -> None:
    card = page(CARD, output)
    await card.begin(OTHER)
    assert card.was_set
    for row in (ROW, OTHER, ROW, ROW):
        assert (await card.show(row)).data == (await card.alone(row)).data
        await card.show(row)
        assert not card.was_set


async def test_an_image_shows_what_was_changed(page: PageOf) -> None:
    card = page(CARD, image(200, 120))
    assert pixel(await card.begin(OTHER), 100, 25) == (0, 255, 0)
    assert pixel(await card.show(ROW), 100, 25) == (255, 0, 0)
    assert not card.was_set


async def test_a_pdf_has_the_title_the_text_and_the_link_of_its_own_row(page: PageOf) -> None:
    card = page(CARD, pdf())
    await card.begin(OTHER)
    made = await card.show(ROW)
    assert not card.was_set
    with pikepdf.open(io.BytesIO(made.data)) as file:
        assert str(file.docinfo["/Title"]) == "One"
        assert [str(each.A.URI) for each in file.pages[0].Annots] == ["https://example.com/10"]


@pytest.mark.parametrize(
    ("body", "before", "row"),
    [
        (CARD, OTHER, ROW | {"more": "an element that the other has not"}),
        (CARD, OTHER, ROW | {"text": ""}),
        (CARD, OTHER, ROW | {"colour": "url(#none)"}),
        ("<img src='{{{x}}}'>", {"x": SVG.format("")}, {"x": SVG.format("fill='%23f00'")}),
        ("<style>p { color: {{x}} }</style><p>x", {"x": "red"}, {"x": "blue"}),
        ("<style>p { transition: color 1s }</style><p>{{x}}", {"x": "a"}, {"x": "b"}),
        ("<input value='{{x}}'>", {"x": "a"}, {"x": "b"}),
        ("<{{x}}>x</{{x}}>", {"x": "b"}, {"x": "em"}),
        ("<p lang='{{x}}'>x", {"x": "en"}, {"x": "de"}),
    ],
)
async def test_what_is_more_than_a_value_is_shown_as_a_whole(page: PageOf, body: str, before: Row, row: Row) -> None:
    card = page(body, image(200, 120))
    for each in (before, row, before):
        await card.show(each)
    changed = await card.show(row)
    assert card.was_set
    assert changed.data == (await card.alone(row)).data


async def test_a_page_of_another_size_or_template_is_set_anew(page: PageOf) -> None:
    card, other = page(CARD, image(200, 120)), page(CARD, image(200, 120))
    await card.begin(OTHER)
    await other.begin(ROW)
    await card.show(OTHER)
    await other.show(ROW)
    assert other.was_set
    await other.show(ROW, image(300, 120))
    assert other.was_set
    assert (await other.show(ROW)).data == (await card.alone(ROW)).data


async def test_warnings_are_those_of_the_row(page: PageOf) -> None:
    body = (
        "<style>div{width:90px;height:20px;overflow:hidden;white-space:nowrap;font:16px sans-serif}</style>"
        "<div class='{{kind}}'>{{text}}</div>{{more}}"
    )
    card = page(body, image())
    good = {"kind": "a", "text": "Short", "more": "x"}
    assert (await card.begin(good)).warnings == ()
    cut = await card.show(good | {"text": "A text that is far too long for this box"})
    assert [warning.split(":")[0] for warning in cut.warnings] == ["TEXT_CLIPPED"]
    lacking = await card.show(good | {"text": "\ue000", "more": " "})
    assert [warning.split(":")[0] for warning in lacking.warnings] == ["MISSING_GLYPH"]
    assert not card.was_set
    assert (await card.show(good)).warnings == ()


async def test_a_font_is_there_for_the_first_row_that_needs_it(page: PageOf) -> None:
    card = page(f"<style>{FACE}.own{{font:20px Boxes}}</style><p class='{{{{kind}}}}'>AAA A", image(200, 80))
    plain = await card.begin({"kind": "plain"})
    own = await card.show({"kind": "own"})
    assert not card.was_set
    assert own.data == (await card.alone({"kind": "own"})).data != plain.data
    assert (await card.show({"kind": "plain"})).data == plain.data


async def test_a_font_only_for_print_is_in_the_first_file_as_in_the_second(page: PageOf) -> None:
    card = page(f"<style>{FACE}@media print{{p{{font:20px Boxes}}}}</style><p>{{{{text}}}}", pdf())
    first = await card.begin({"text": "A"})
    await card.show({"text": "AAA"})
    assert (await card.show({"text": "A"})).data == first.data


async def test_a_font_that_failed_is_not_told_of_to_a_row_that_does_not_need_it(page: PageOf) -> None:
    broken = "<style>@font-face{font-family:B;src:url(data:font/ttf;base64,AAAA)}.own{font:20px B}</style>"
    card = page(broken + "<p class='{{kind}}'>A", image())
    assert [warning.split(":")[0] for warning in (await card.begin({"kind": "own"})).warnings] == ["SUBRESOURCE_FAILED"]
    assert (await card.show({"kind": "plain"})).warnings == ()


async def test_a_page_size_that_was_added_for_one_output_is_not_there_for_the_next(page: PageOf) -> None:
    card = page("<style>@page{size:A5}</style><p>{{text}}", pdf())
    own = await card.begin({"text": "a"})
    await card.show({"text": "b"}, pdf(width="90mm", height="90mm"))
    assert (await card.show({"text": "a"})).data == own.data


async def test_embedded_data_in_a_text_is_all_there(page: PageOf) -> None:
    card = page(f"<p style='word-break:break-all;font:8px sans-serif'>{{{{text}}}};base64,{FONT}", pdf())
    for text in ("one", "two", "one"):
        assert (await card.show({"text": text})).data == (await card.alone({"text": text})).data

"""Documents with the same markup are not parsed again, and are taken apart as if they were."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from pressline.task.v1.task_pb2 import SourceDocument
from services.renderer.engine.compiler import Compiler
from services.renderer.engine.model import Document
from tests.support.renderer import LENIENT, source

CARD = """<!doctype html><title>{{x}}</title><style>p > b { color: red }</style><h1 class="a">
  {{x}}\x20
</h1><p>{{y}}<b>&copy; 2026</b>"""
PLAIN = [
    "One",
    "two words\tand\na line",
    "Ärger 😀",
    "a > b",
    "]]>",
    "-->",
    "'single' \"double\" `back` = & <tag>",
    "&amp;lt;",
]
ODD = [
    "",
    " blanks at both ends\n",
    "\u00a0hard blank\u00a0",
    "line\r\nbreak",
    "nul\u0000byte",
    "half \ud83d",
    "&lt &copy &#65; &",
    "x</b>",
]
HOSTILE = [
    'a" onload="alert(1)',
    "a' onload='alert(1)",
    "<script>alert(1)</script>",
    "<b>",
    "</title>",
    "<!--",
    "&quot; onload=1",
    "/><p>",
]


class Filled:
    """Rows of one template, and the documents that were parsed for them."""

    def __init__(self, compiler: Compiler, body: str) -> None:
        self._compiler = compiler
        self._source: SourceDocument = source(body, LENIENT)

    async def fill(self, row: Mapping[str, object], extra: str = "") -> Document:
        """The document of a row."""
        return await self._compiler.fill(self._source, json.dumps(row).encode(), extra)

    async def parsed(self, row: Mapping[str, object], extra: str = "") -> int:
        """How many documents were parsed to fill one."""
        tab = await self._compiler.open()
        await tab.evaluate(
            "DOMParser.prototype.whole ??= DOMParser.prototype.parseFromString; globalThis.parsed = 0;"
            "DOMParser.prototype.parseFromString = function (...given) { parsed += 1; return this.whole(...given); }; 0"
        )
        await self.fill(row, extra)
        return int(await tab.evaluate("parsed"))


async def test_a_document_whose_markup_is_known_is_not_parsed(compiler: Compiler) -> None:
    card = Filled(compiler, CARD)
    rows = [{"x": text, "y": f"{text}!"} for text in PLAIN]
    # The second one is parsed once more to find where its texts go.
    assert [await card.parsed(row) for row in rows[:3]] == [1, 2, 0]
    assert [await card.parsed(row) for row in rows] == [0] * len(rows)
    # Without its text an element is another one, and what is beside a document is another question.
    assert await card.parsed({"x": "", "y": "y"}) == 1
    assert await card.parsed(rows[0], "<p>head</p>") > 0


BODIES = {
    "plain": "<p>{{{x}}}</p><p>{{y}}</p>",
    "escaped": CARD,
    "unescaped": CARD.replace("{{x}}", "{{{x}}}"),
    "text of a tag": '<p title="x>{{{x}}}<b" data-n="{{y}}">{{{y}}}</p>',
    "tag without an end": "<p>{{{x}}}</p><p {{{y}}}",
    "comment": "<!-- <b>{{x}}</b> --><p>{{{x}}}</p><!-- > {{{y}}} --><i>{{y}}</i>",
    "comment alone": "<!--><p>{{x}}</p>--><b>{{y}}</b>",
    "title": "<title>{{{x}}}</title><p>{{y}}</p>",
    "raw text": "<xmp>{{{x}}}</xmp><p>{{y}}</p>",
    "no text": "<style media=print>{{{x}}}</style><STYLE>{{y}}</STYLE><noembed>{{{y}}}</noembed>",
    "plain text": "<p>{{x}}</p><plaintext>{{{y}}}",
    "cdata": "<svg><text><![CDATA[<b>{{{x}}}</b>]]></text><text>{{{y}}}</text></svg>",
    "foreign": "<svg><title>{{{x}}}</title><desc>{{y}}</desc></svg><math><mi>{{{y}}}</mi></math>",
    "foster parent": "<table>{{{x}}}<tr>{{{y}}}<td>{{x}}</td></tr></table>",
    "columns": "<table><colgroup>{{{x}}}<col></colgroup><tr><td>{{y}}</table>",
    "lists": "<select><option>{{{x}}}</select><ul><li>{{{y}}}<li>{{x}}</ul>",
    "preformatted": "<pre>\n{{{x}}}</pre><pre>{{{y}}}</pre>",
    "beside others": "{{{x}}}<br>{{{y}}}",
    "after the end": "<body><p>{{x}}</p></body>{{{x}}}</html>{{{y}}}",
    "head": "<head>{{{x}}}<title>t</title></head><p>{{{y}}}</p>",
    "attributes": '<p class="{{x}}" data-y="{{{y}}}">{{{x}}}</p>',
    "formatting": "<p><b><i>{{{x}}}</b>{{{y}}}</i>{{x}}</p>",
    "quirks": "{{y}}<p>{{{x}}}",
    "line ends": "<p>\r\n{{{x}}}\r</p><p>{{{y}}}</p>",
    "references": "<p>&copy; {{{x}}}</p><p>&amp;{{{y}}};</p><p>{{y}} &mdash;</p>",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_it_is_as_if_it_had_been_parsed(compiler: Compiler, body: str) -> None:
    template = Filled(compiler, body)
    for text in ("first", "second", "third"):
        await template.fill({"x": text, "y": f"{text} too"})
    texts = (*PLAIN, *ODD, *HOSTILE)
    for row in ({"x": text, "y": other} for text, other in zip(texts, reversed(texts), strict=True)):
        found = await template.fill(row)
        alone = Filled(compiler, body)
        await alone.fill(row)
        expected = await alone.fill(row)
        assert (found.html, found.scripted, found.empty) == (expected.html, expected.scripted, expected.empty)
        again = await template.fill(row)
        assert (again.form and again.form.values) == (expected.form and expected.form.values), row


async def test_words_in_a_text_say_nothing_about_a_document(compiler: Compiler) -> None:
    template = Filled(compiler, "<p>{{x}}</p>")
    for text in ("one", "two"):
        await template.fill({"x": text})
    found = await template.fill({"x": "animation, scroll & <form>"})
    assert found.form is not None
    assert "animation, scroll & <form>" in found.form.values


async def test_a_long_document_is_parsed(compiler: Compiler) -> None:
    template = Filled(compiler, "<p>{{x}}</p>")
    assert [await template.parsed({"x": "x" * 70_000}) for _ in range(3)] == [1, 1, 1]


async def test_many_markups_are_not_all_remembered(compiler: Compiler) -> None:
    first = Filled(compiler, "<p>{{x}}</p>")
    for text in ("one", "two"):
        await first.fill({"x": text})
    assert await first.parsed({"x": "three"}) == 0
    others = Filled(compiler, "{{#each n}}<i>{{this}}</i>{{/each}}")
    for count in range(65):
        await others.fill({"n": ["x"] * count})
    assert await first.parsed({"x": "four"}) == 1

"""Handlebars, filled in the compiler page."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from pressline.task.v1.task_pb2 import SourceDocument
from services.renderer.engine.compiler import FILL_SECONDS, Compiler
from services.renderer.engine.engine import Engine
from services.renderer.engine.model import Document, ErrorCode, RenderError
from tests.support.renderer import HTML, LENIENT, STRICT, image, pixel, render, source


async def fill(compiler: Compiler, template: str, data: Any = None, kind: Any = STRICT) -> str:
    text = data if isinstance(data, str) else json.dumps(data or {})
    return (await compiler.fill(source(template, kind), text.encode(), "")).html


async def failure(compiler: Compiler, template: str, data: Any = None) -> RenderError:
    with pytest.raises(RenderError) as caught:
        await fill(compiler, template, data)
    return caught.value


@pytest.mark.parametrize(
    ("template", "data", "expected"),
    [
        ("{{x}} {{{x}}}", {"x": "<b>&\"'"}, "&lt;b&gt;&amp;&quot;&#x27; <b>&\"'"),
        ("{{#each xs}}{{@index}}{{this}} {{/each}}", {"xs": ["a", "b"]}, "0a 1b "),
        ("{{#each xs}}{{name}};{{else}}none{{/each}}", {"xs": []}, "none"),
        ("{{#if a}}A{{else}}B{{/if}}{{#unless b}}C{{/unless}}", {"a": 1}, "AC"),
        ("{{#with o}}{{x}}{{../y}}{{/with}}", {"o": {"x": 1}, "y": 2}, "12"),
        (
            "{{upper s}} {{lower s}} {{title s}}",
            {"s": "éCOLE de l'ÉtÉ"},
            "ÉCOLE DE L&#x27;ÉTÉ école de l&#x27;été École De L&#x27;été",
        ),
        ("{{number n}} {{number n 2}} {{number n 1 locale='de'}}", {"n": 1234.567}, "1,234.567 1,234.57 1.234,6"),
        ("{{currency n}} {{currency n 'EUR'}}", {"n": 1500}, "$1,500.00 €1,500.00"),
        (
            "{{date d}} {{date d 'long'}} {{date d 'short' locale='en-GB'}}",
            {"d": "2026-03-01"},
            "Mar 1, 2026 March 1, 2026 01/03/2026",
        ),
        ("{{date d 'long' timezone='Asia/Tokyo'}}", {"d": "2026-03-01T20:00:00Z"}, "March 2, 2026"),
        ("{{default a 'x'}}{{default b 'x'}}", {"b": "y"}, "xy"),
        (
            "{{#if (eq a 1)}}E{{/if}}{{#if (ne a 1)}}N{{/if}}{{#if (gt a 0)}}G{{/if}}{{#if (lt a 0)}}L{{/if}}",
            {"a": 1},
            "EG",
        ),
        ("{{#eq a 1}}yes{{else}}no{{/eq}}", {"a": 2}, "no"),
        ("{{join xs}}/{{join xs '-'}}", {"xs": [1, "b"]}, "1, b/1-b"),
        ("{{#if missing}}A{{else}}B{{/if}}{{#if (eq missing 1)}}C{{/if}}", {}, "B"),
        ("{{title}} {{date}} {{upper title}}", {"title": "t", "date": "d"}, "t d T"),
        ("{{#each xs as |title|}}{{title}}{{/each}}", {"xs": [1, 2]}, "12"),
        ("{{! comment }}{{7}}{{#each xs}}{{.}}{{/each}}", {"7": "seven", "xs": [0, False]}, "seven0false"),
        ("{{n}}", '{"n": 12345678901234567890}', "12345678901234567890"),
        ("{{n}} {{f}}", '{"n": 9007199254740991, "f": 1.5}', "9007199254740991 1.5"),
        ("{{number n}}", '{"n": 12345678901234567890}', "12,345,678,901,234,567,890"),
    ],
)
async def test_language(compiler: Compiler, template: str, data: Any, expected: str) -> None:
    assert await fill(compiler, template, data) == expected


@pytest.mark.parametrize(
    ("template", "name", "line"),
    [
        ("{{name}}", "name", 1),
        ("a\n\n{{{name}}}", "name", 3),
        ("\n{{customer.name}}", "customer.name", 2),
        ("{{upper name}}", "name", 1),
        ("{{#each people}}{{/each}}", "people", 1),
        ("{{#with person}}x{{/with}}", "person", 1),
        ("{{#each rows}}\n{{price}}{{/each}}", "price", 2),
        ("{{title}}", "title", 1),
        ("{{upper (default (lower name) 'x')}}", "name", 1),
    ],
)
async def test_a_missing_variable_is_named(compiler: Compiler, template: str, name: str, line: int) -> None:
    error = await failure(compiler, template, {"customer": {}, "rows": [{}]})
    assert error.code is ErrorCode.TEMPLATE_ERROR
    assert f'"{name}"' in error.message
    assert f"line {line}" in error.message


async def test_a_missing_variable_is_empty_when_that_is_wanted(compiler: Compiler) -> None:
    template = "[{{a}}{{b.c}}{{upper d}}{{number e}}{{currency f}}{{date g}}{{join h}}{{#each i}}x{{/each}}]"
    assert await fill(compiler, template, {}, LENIENT) == "[]"


async def test_a_value_that_is_there_but_null_is_empty(compiler: Compiler) -> None:
    assert await fill(compiler, "[{{a}}{{upper a}}]", {"a": None}) == "[]"


@pytest.mark.parametrize(
    ("template", "data", "words"),
    [
        ("x\n{{#if a}}", {}, "line 2"),
        ("x\ny {{a", {}, "line 2"),
        ("{{#each a}}{{/if}}", {}, "each"),
        ("\n{{shout name}}", {"name": "x"}, 'helper named "shout"'),
        ("{{#shout name}}{{/shout}}", {"name": "x"}, 'helper named "shout"'),
        ("{{> other}}", {}, "other"),
        ("{{date d}}", {"d": "soon"}, "date"),
        ("{{number d}}", {"d": "many"}, "number"),
        ("{{currency d 'EURO'}}", {"d": 1}, "EURO"),
    ],
)
async def test_bad_templates_are_explained(compiler: Compiler, template: str, data: Any, words: str) -> None:
    error = await failure(compiler, template, data)
    assert error.code is ErrorCode.TEMPLATE_ERROR
    assert words in error.message


@pytest.mark.parametrize(
    ("template", "data", "expected"),
    [
        (
            "[{{x}}]",
            '{"x": "</script><script>alert(1)</script>"}',
            "[&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;]",
        ),
        ("[{{x}}]", '{"x": "{{7}}{{#each}}"}', "[{{7}}{{#each}}]"),
        ("[{{#if polluted}}yes{{/if}}{{a}}]", '{"a": 1, "__proto__": {"polluted": 1}}', "[1]"),
        ("[{{x}}]", '{"x": "\\u2028`${1}\\\\"}', "[\u2028&#x60;${1}\\]"),
        ("[{{x}}]", '{"x": "\\ud800"}', "[\ufffd]"),
        ("[{{constructor}}{{__proto__}}{{toString}}]", "{}", "[]"),
    ],
)
async def test_hostile_data_is_harmless(compiler: Compiler, template: str, data: str, expected: str) -> None:
    assert await fill(compiler, template, data, LENIENT) == expected
    assert await fill(compiler, "{{#if polluted}}leaked{{/if}}", {}) == ""


async def test_data_is_not_what_the_template_before_left(compiler: Compiler) -> None:
    document = source("{{a}}{{#if b}}{{b}}{{/if}}", STRICT)
    first = await compiler.fill(document, b'{"a": 1, "b": 2}', "")
    second = await compiler.fill(document, b'{"a": 3}', "")
    assert (first.html, second.html) == ("12", "3")


async def test_a_runaway_template_is_stopped_and_the_next_goes_on(compiler: Compiler) -> None:
    rows = {"xs": list(range(2000))}
    endless = "{{#each xs}}{{#each @root.xs}}{{#each @root.xs}}{{/each}}{{/each}}{{/each}}"
    started = time.monotonic()
    error = await failure(compiler, endless, rows)
    assert error.code is ErrorCode.RENDER_TIMEOUT
    assert time.monotonic() - started < FILL_SECONDS + 60
    assert await fill(compiler, "{{a}}", {"a": 1}) == "1"


async def test_a_template_that_fills_memory_is_stopped(compiler: Compiler) -> None:
    rows = {"xs": list(range(1000)), "text": "x" * 10_000}
    error = await failure(compiler, "{{#each xs}}{{#each @root.xs}}{{@root.text}}{{/each}}{{/each}}", rows)
    assert error.code in (ErrorCode.RESOURCE_LIMIT, ErrorCode.RENDER_TIMEOUT)
    assert await fill(compiler, "{{a}}", {"a": 1}) == "1"


SCRIPTED = [
    "<script>1</script>",
    "<p>x</p><SCRIPT src=x>",
    "<b onclick=x>y</b>",
    "<b OnMouseOver = 'x'>y</b>",
    "<a href=' java\nscript:alert(1)'>x</a>",
    "<svg><script>1</script></svg>",
    "<svg><a xlink:href='javascript:1'></a></svg>",
    "<svg onload=1></svg>",
    "<iframe srcdoc='x'></iframe>",
    "<object data=x></object>",
    "<embed src=x>",
    "<meta http-equiv=REFRESH content='0;url=x'>",
    "<frameset><frame src=x></frameset>",
    "<noscript>x</noscript>",
    "<div><template shadowrootmode=open>x</template></div>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror=1&gt;'><b onfocus=1>",
    "<svg><style><img src=x onerror=1></style></svg>",
]
STATIC = [
    "<p>on load</p>",
    "<a href='https://example.com/javascript'>x</a>",
    "<!-- <script>1</script> -->",
    "<style>/* <script> */</style>",
    "<p title='<script>1</script>'>onclick=x</p>",
    "<textarea><script>1</script></textarea>",
    "<svg><circle r=3></circle></svg>",
    "",
]


@pytest.mark.parametrize(
    ("html", "scripted"), [*((html, True) for html in SCRIPTED), *((html, False) for html in STATIC)]
)
async def test_what_could_run_is_found(compiler: Compiler, html: str, scripted: bool) -> None:
    literal = await compiler.fill(source(html, HTML), b"{}", "")
    assert literal == Document(html, scripted)
    filled = await compiler.fill(source("{{{x}}}", STRICT), json.dumps({"x": html}).encode(), "")
    assert filled.scripted is scripted
    beside = await compiler.fill(source("<p>x", HTML), b"{}", html)
    assert beside.scripted is scripted


async def test_even_undetected_scripts_do_not_run_in_the_warm_page(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def blind(*_arguments: object) -> Document:
        return Document(
            "<body><script>document.body.style.background='red'</script>"
            "<img src=x onerror=\"document.body.style.background='red'\">",
            scripted=False,
        )

    monkeypatch.setattr(Compiler, "fill", blind)
    assert pixel(await render(engine, "unused", image()), 150, 90) == (255, 255, 255)


async def test_a_filled_template_is_drawn(engine: Engine) -> None:
    document = source("<body style='background:{{colour}}'>", STRICT)
    assert pixel(await render(engine, document, data='{"colour": "#00ff00"}'), 100, 50) == (0, 255, 0)


async def test_an_unknown_kind_is_an_internal_error(engine: Engine) -> None:
    with pytest.raises(RenderError) as caught:
        await render(engine, source("x", SourceDocument.KIND_UNSPECIFIED))
    assert caught.value.code == "INTERNAL_ERROR"

"""The helpers of templates: what they print, in which place, and what they say of what they cannot use."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pypdf import PdfReader

from services.renderer.engine.compiler import Compiler
from services.renderer.engine.engine import Engine
from services.renderer.engine.model import Environment, ErrorCode, RenderError
from tests.support.renderer import LENIENT, STRICT, pdf, render, running_engine, source

# Late in the evening in Berlin, the next day in Tokyo.
MOMENT = int(datetime(2026, 3, 31, 21, 30, tzinfo=UTC).timestamp() * 1000)
UTC_US = Environment("UTC", "en-US", MOMENT)
BERLIN = Environment("Europe/Berlin", "de-DE", MOMENT)
TOKYO = Environment("Asia/Tokyo", "ja-JP", MOMENT)
NEW_YORK = Environment("America/New_York", "en-US", MOMENT)
ISTANBUL = Environment("Europe/Istanbul", "tr-TR", MOMENT)

DUE = {"due": "2026-03-31T21:30:00Z"}
CASES: list[tuple[str, dict[str, Any], Environment, str]] = [
    ("{{date due}}", DUE, UTC_US, "Mar 31, 2026"),
    ("{{date due 'long'}}", DUE, BERLIN, "31. März 2026"),
    ("{{date due 'long'}}", DUE, TOKYO, "2026年4月1日"),
    ("{{date due 'full'}}", DUE, NEW_YORK, "Tuesday, March 31, 2026"),
    ("{{date due 'iso'}}", DUE, TOKYO, "2026-04-01"),
    ("{{time due}}", DUE, BERLIN, "23:30"),
    ("{{time due 'medium'}}", DUE, NEW_YORK, "5:30:00 PM"),
    # Daylight saving began in Berlin two days before, in New York three weeks before.
    (
        "{{time winter}} {{time summer}}",
        {"winter": "2026-03-28T12:00Z", "summer": "2026-03-29T12:00Z"},
        BERLIN,
        "13:00 14:00",
    ),
    # A date without a time, and a time without an offset, mean what they say everywhere.
    ("{{date d 'iso'}} {{date d}}", {"d": "2026-03-31"}, NEW_YORK, "2026-03-31 Mar 31, 2026"),
    ("{{date d 'iso'}} {{time d}}", {"d": "2026-03-31T23:15"}, TOKYO, "2026-03-31 23:15"),
    ("{{date d 'iso'}}", {"d": MOMENT}, TOKYO, "2026-04-01"),
    ("{{date now 'long'}}", {}, BERLIN, "31. März 2026"),
    ("{{#each xs}}{{date now 'iso'}} {{/each}}{{date @now 'iso'}}", {"xs": [1]}, TOKYO, "2026-04-01 2026-04-01"),
    ("{{now}} {{date now 'iso'}}", {"now": "2020-01-01"}, BERLIN, "2020-01-01 2020-01-01"),
    ("<style>a{color:{{c}} }</style>", {"c": "red"}, BERLIN, "<style>a{color:red }</style>"),
    ("{{now}} {{@timezone}} {{@locale}}", {}, BERLIN, "2026-03-31T21:30:00.000Z Europe/Berlin de-DE"),
    ("{{date due 'short' locale='en-GB' timezone='Asia/Tokyo'}}", DUE, BERLIN, "01/04/2026"),
    ("{{number n}} {{number n 2}}", {"n": 1234567.891}, BERLIN, "1.234.567,891 1.234.567,89"),
    ("{{number n}} {{number n locale='fr-FR'}}", {"n": "1234.5"}, UTC_US, "1,234.5 1 234,5"),
    ("{{currency n}} {{currency n 'EUR'}} {{currency n 'jpy'}}", {"n": 1500}, UTC_US, "$1,500.00 €1,500.00 ¥1,500"),
    ("{{currency n 'EUR'}}", {"n": 1500.5}, BERLIN, "1.500,50 €"),
    ("{{upper s}} {{lower u}} {{title s}}", {"s": "istanbul", "u": "ISI"}, ISTANBUL, "İSTANBUL \u0131s\u0131 İstanbul"),
    ("{{upper s}} {{title s}}", {"s": "istanbul"}, UTC_US, "ISTANBUL Istanbul"),
    ("{{truncate s 5}} {{truncate s 50}} {{truncate s 4 '..'}}", {"s": "Müller AG"}, UTC_US, "Müll… Müller AG Mü.."),
    ("{{truncate s 2 ''}}", {"s": "👩‍👩‍👧‍👦é x"}, UTC_US, "👩‍👩‍👧‍👦é"),
    ("{{join xs}} {{join xs ' / '}}", {"xs": ["a", 2]}, UTC_US, "a, 2 a / 2"),
    ("{{{json o}}}", {"o": {"a": ["</script>", 1]}}, UTC_US, '{"a":["\\u003c/script\\u003e",1]}'),
    ("{{default a 'none'}} {{default b 'none'}}", {"b": 0}, UTC_US, "none 0"),
    ("{{#if (gt n 1)}}more{{/if}}{{#if (lt n 1)}}less{{/if}}", {"n": 2}, UTC_US, "more"),
    ("{{#eq a 'x'}}same{{else}}other{{/eq}} {{#if (ne a 'x')}}ne{{/if}}", {"a": "y"}, UTC_US, "other ne"),
]


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with running_engine() as running:
        yield running


async def fill(engine: Engine, template: str, data: Any, where: Environment, kind: Any = STRICT) -> str:
    compiler: Compiler = engine._shared.compiler
    text = data if isinstance(data, str) else json.dumps(data)
    return (await compiler.fill(source(template, kind), text.encode(), "", where)).html


def plain(text: str) -> str:
    """Without the special spaces that some locales use."""
    return text.replace("\u202f", " ").replace("\xa0", " ")


@pytest.mark.parametrize(("template", "data", "where", "expected"), CASES)
async def test_helpers(engine: Engine, template: str, data: Any, where: Environment, expected: str) -> None:
    assert plain(await fill(engine, template, data, where)) == expected


async def test_every_helper_in_a_printed_page(engine: Engine) -> None:
    # One document in each of two places, as a reader of the PDF gets it.
    template = """<p>{{date due "long"}}<p>{{time due}}<p>{{number n 1}}<p>{{currency n "EUR"}}
      <p>{{upper s}}<p>{{lower s}}<p>{{title s}}<p>{{truncate s 4}}<p>{{join xs}}<p>{{{json xs}}}
      <p>{{default none "-"}}<p>{{date now "iso"}}
      <p>{{#if (eq n 1234.5)}}eq{{/if}}{{#if (ne n 1)}}ne{{/if}}{{#if (gt n 1)}}gt{{/if}}{{#if (lt 1 n)}}lt{{/if}}"""
    data = json.dumps({**DUE, "n": 1234.5, "s": "group tours", "xs": [1, 2]})
    same = ["GROUP TOURS", "group tours", "Group Tours", "gro…", "1, 2", "[1,2]", "-"]
    for where, expected in (
        (BERLIN, ["31. März 2026", "23:30", "1.234,5", "1.234,50 €", *same, "2026-03-31", "eqnegtlt"]),
        (NEW_YORK, ["March 31, 2026", "5:30 PM", "1,234.5", "€1,234.50", *same, "2026-03-31", "eqnegtlt"]),
    ):
        printed = await render(engine, source(template, STRICT), pdf(), data, where=where)
        text = PdfReader(io.BytesIO(printed.data)).pages[0].extract_text()
        assert [plain(line.strip()) for line in text.splitlines() if line.strip()] == expected


@pytest.mark.parametrize(
    ("template", "data", "sentence"),
    [
        (
            "{{date due}}",
            {"due": "soon"},
            'The helper "date" on line 1 of the template cannot use "due": "soon" is not a date.',
        ),
        ("{{date due}}", {"due": {}}, 'cannot use "due": what it was given is not a date.'),
        ("{{time due}}", {"due": True}, '"time" on line 1 of the template cannot use "due": "true" is not a date.'),
        (
            "{{date due how}}",
            {**DUE, "how": "tiny"},
            'cannot use "how": "tiny" is none of full, long, medium, short, iso.',
        ),
        ("{{date due 'tiny'}}", DUE, 'The helper "date" on line 1 of the template: "tiny" is none of'),
        ("{{date due locale=lang}}", {**DUE, "lang": "de_DE"}, 'cannot use "lang": "de_DE" is not a locale'),
        ("{{time due timezone=zone}}", {**DUE, "zone": "Moon"}, 'cannot use "zone": "Moon" is not a time zone'),
        (
            "\n{{number o.n}}",
            {"o": {"n": "many"}},
            'The helper "number" on line 2 of the template cannot use "o.n": "many"',
        ),
        ("{{number n}}", {"n": []}, 'cannot use "n": what it was given is not a number.'),
        ("{{number n p}}", {"n": 1, "p": 50}, 'cannot use "p": "50" is not a whole number from 0 to 20.'),
        ("{{currency n code}}", {"n": 1, "code": "EURO"}, 'cannot use "code": "EURO" is not a currency such as EUR.'),
        ("{{currency n 'XXQ'}}", {"n": 1}, 'The helper "currency" on line 1 of the template: "XXQ" is not a currency'),
        (
            "{{#each xs}}{{currency price}}{{/each}}",
            {"xs": [{"price": "?"}]},
            'cannot use "price": "?" is not a number.',
        ),
        ("{{upper (currency n 'EUR')}}", {"n": "x"}, 'The helper "currency" on line 1 of the template cannot use "n"'),
        ("{{truncate s 0}}", {"s": "x"}, '"truncate" on line 1 of the template: "0" is not a whole number from 1'),
        ("{{truncate s}}", {"s": "x"}, '"truncate" on line 1 of the template: "undefined" is not a whole number'),
        ("{{join s}}", {"s": "a,b"}, 'cannot use "s": "a,b" is not a list.'),
        ("{{date now 'x'}}", {"now": 5}, '"x" is none of'),
        ("{{date now}}", {"now": "x"}, 'cannot use "now": "x" is not a date.'),
        ("{{@nwo}}", {}, '"@nwo"'),
        ("<style>a{color:{{c}}}</style>", {"c": "red"}, "write a space between"),
    ],
)
async def test_what_a_helper_cannot_use_is_named(engine: Engine, template: str, data: Any, sentence: str) -> None:
    with pytest.raises(RenderError) as caught:
        await fill(engine, template, data, UTC_US)
    assert caught.value.code is ErrorCode.TEMPLATE_ERROR
    assert sentence in caught.value.message


async def test_empty_values_stay_empty(engine: Engine) -> None:
    template = "[{{date a}}{{time a}}{{number a}}{{currency a}}{{upper a}}{{truncate a 3}}{{join a}}][{{json a}}]"
    assert await fill(engine, template, {}, BERLIN, LENIENT) == "[][null]"
    assert await fill(engine, template, {"a": None}, BERLIN) == "[][null]"


async def test_arguments_that_are_null_are_left_out(engine: Engine) -> None:
    template = "{{date d x locale=x timezone=x}} {{number n x}} {{currency n x}}"
    printed = await fill(engine, template, {"d": "2026-03-31T21:30:00Z", "n": 1.5, "x": None}, TOKYO)
    assert plain(printed) == "2026/04/01 1.5 $1.50"


async def test_json_is_safe_where_it_is_written(engine: Engine) -> None:
    row = '{"o": {"a": "\\"><b>&", "n": 12345678901234567890}}'
    escaped = '{"a":"\\"\\u003e\\u003cb\\u003e\\u0026","n":12345678901234567890}'
    assert await fill(engine, "<script>x = {{{json o}}}</script>", row, UTC_US) == f"<script>x = {escaped}</script>"
    assert '"' not in await fill(engine, "{{json o}}", row, UTC_US)
    assert await fill(engine, "{{{json xs 1}}}", {"xs": [1]}, UTC_US) == "[\n 1\n]"


async def test_places_do_not_mix_in_one_page(engine: Engine) -> None:
    template = source("{{date now 'short'}} {{time now}} {{number 1.5}}", STRICT)
    expected = {BERLIN: "31.03.26 23:30 1,5", TOKYO: "2026/04/01 6:30 1.5", NEW_YORK: "3/31/26 5:30 PM 1.5"}
    for where in (BERLIN, TOKYO, NEW_YORK) * 2:
        document = await engine._shared.compiler.fill(template, b"{}", "", where)
        assert plain(document.html) == expected[where]


@pytest.mark.parametrize("template", ["{{date now}}", "{{now}}", "{{date @now}}", "{{#each xs}}{{date now}}{{/each}}"])
async def test_the_clock_is_not_asked_of_rows(engine: Engine, template: str) -> None:
    listed = await engine.inspect(source(template, STRICT))
    assert listed.error == ""
    assert [variable.name for variable in listed.variables if variable.name != "xs"] == []

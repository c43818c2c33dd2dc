"""Variables, listed from the template by Handlebars' own parser in the compiler page."""

from __future__ import annotations

import json

import pytest

from pressline.template.v1 import template_pb2
from services.renderer.engine.compiler import Compiler
from services.renderer.engine.model import RenderError
from tests.support.renderer import STRICT, source

TYPES = {
    template_pb2.VARIABLE_TYPE_UNSPECIFIED: "",
    template_pb2.VARIABLE_TYPE_STRING: ":string",
    template_pb2.VARIABLE_TYPE_NUMBER: ":number",
    template_pb2.VARIABLE_TYPE_ARRAY: ":array",
    template_pb2.VARIABLE_TYPE_OBJECT: ":object",
}


async def listed(compiler: Compiler, body: str) -> str:
    """The variables in a short form: `!` marks the required ones."""
    found = await compiler.inspect(source(body, STRICT))
    assert not found.error, found.error
    return " ".join(f"{each.name}{TYPES[each.type]}{'!' * each.required}" for each in found.variables)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("<b>{{name}}</b> {{{html}}} {{& raw}}", "name! html! raw!"),
        ("{{#each items}}{{price}}{{/each}}", "items:array! items[].price!"),
        ("{{#each items}}{{this.price}}{{this}}{{@index}}{{@key}}{{/each}}", "items:array! items[].price!"),
        ("{{#each items}}{{../currency}}{{@root.tax}}{{/each}}", "items:array! currency tax"),
        ("{{#each items}}{{#if old}}{{../a}}{{/if}}{{/each}}", "items:array! items[].old a"),
        (
            "{{#each items as |item index|}}{{item.price}}{{index}}{{item}}{{total}}{{/each}}",
            "items:array! items[].price! items[].total!",
        ),
        (
            "{{#each rows}}{{#each cells}}{{value}}{{../id}}{{../../unit}}{{/each}}{{/each}}",
            "rows:array! rows[].cells:array! rows[].cells[].value! rows[].id unit",
        ),
        ("{{#each rows}}{{#each this}}{{x}}{{/each}}{{/each}}", "rows:array! rows[][].x!"),
        ("{{#each this}}{{x}}{{/each}}", ""),
        ("{{#each items}}{{x}}{{else}}{{none}}{{/each}}", "items:array! items[].x! none"),
        ("{{#if x}}{{x}}{{y}}{{else}}{{z}}{{/if}}", "x y z"),
        ("{{#unless x}}{{y}}{{/unless}}{{y}}", "x y!"),
        ("{{#if a}}1{{else if b}}2{{/if}}", "a b"),
        ("{{#with customer}}{{name}}{{../title}}{{/with}}", "customer:object! customer.name! title"),
        ("{{#with customer as |c|}}{{c.name}}{{/with}}", "customer:object! customer.name!"),
        ("{{customer.address.city}}", "customer:object! customer.address:object! customer.address.city!"),
        ("{{#if customer.vip}}{{customer.name}}{{/if}}", "customer:object customer.vip customer.name"),
        ("{{currency total 'EUR'}} {{number n places}}", "total:number! n:number! places!"),
        ("{{date day format}} {{upper s}} {{join tags ', '}}", "day:string! format! s:string! tags:array!"),
        ("{{date day timezone=zone}}", "day:string! zone!"),
        ("{{default nick 'you'}} {{#if (eq state 'paid')}}{{/if}} {{#eq a b}}{{/eq}}", "nick state a b"),
        ("{{#if (gt total limit)}}{{/if}}", "total! limit!"),
        ("{{upper (default nick name)}}", "nick name"),
        ("{{title}} {{date}} {{upper title}}", "title:string! date!"),
        ("{{items.length}} {{items.[0].name}}", "items!"),
        ("{{[first name]}} {{[a.b]}} {{a.[b c]}}", "first name! [a.b]! a:object! a.b c!"),
        ("{{#people}}{{name}}{{/people}}{{^none}}x{{/none}}", "people! none!"),
        ("{{lookup map key}}", "map! key!"),
        ("{{> (lookup . 'x') a=b}}{{#*inline 'row'}}{{cell}}{{/inline}}{{> row c}}", "b cell c"),
        ("{{! comment {{x}} }} \\{{escaped}} plain", ""),
        ("{{#each items}}{{#each ../others}}{{a}}{{/each}}{{/each}}", "items:array! others:array others[].a"),
    ],
)
async def test_variables_are_listed_as_the_template_uses_them(compiler: Compiler, template: str, expected: str) -> None:
    assert await listed(compiler, template) == expected


async def test_each_variable_has_the_line_of_its_first_use(compiler: Compiler) -> None:
    found = await compiler.inspect(source("a\n{{#if x}}\n{{y}}{{/if}}\n\n{{x}}", STRICT))
    assert [(each.name, each.line, each.required) for each in found.variables] == [("x", 2, True), ("y", 3, False)]


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("a\nb {{#if}}", "line 2"),
        ("a\n{{#each xs}}\nb", '"{{#each}}" of line 2 is never closed'),
        ("{{name", "line 1"),
        ("x\n{{shout name}}", 'no helper named "shout"'),
        ("{{#if x}}{{/each}}", 'closed by "{{/each}}"'),
        ("{{#if a}}" * 4_000 + "{{/if}}" * 4_000, "template"),
    ],
)
async def test_what_cannot_be_filled_is_explained(compiler: Compiler, template: str, words: str) -> None:
    found = await compiler.inspect(source(template, STRICT))
    assert words in found.error
    assert not found.variables


@pytest.mark.parametrize(
    "template",
    [
        "{{a}} {{o.b}} {{#each xs}}{{c}}{{/each}} {{#with o}}{{b}}{{/with}} {{currency n}} {{#if d}}{{d}}{{/if}}",
        "{{#s}}x{{/s}}{{^t}}y{{/t}}{{lookup o key}}{{items.length}}",
    ],
)
async def test_what_is_required_is_what_filling_asks_for(compiler: Compiler, template: str) -> None:
    """Leaving a required variable out fails the item; leaving an optional one out does not."""
    found = await compiler.inspect(source(template, STRICT))
    whole = {
        "a": "1",
        "o": {"b": 2, "k": 1},
        "xs": [{"c": 3}],
        "n": 4,
        "d": 5,
        "s": True,
        "t": False,
        "key": "k",
        "items": [],
    }
    for variable in found.variables:
        if "[]" in variable.name or "." in variable.name:
            continue
        row = {name: value for name, value in whole.items() if name != variable.name}
        assert await fills(compiler, template, row) != variable.required, variable.name
    assert await fills(compiler, template, whole)


async def fills(compiler: Compiler, template: str, row: dict[str, object]) -> bool:
    try:
        await compiler.fill(source(template, STRICT), json.dumps(row).encode(), "")
    except RenderError:
        return False
    return True


async def test_a_template_of_five_megabytes_is_listed(compiler: Compiler) -> None:
    body = "".join(f"<p>{{{{v{number}}}}}</p>" for number in range(2_000)) + "x" * 4_900_000
    assert len((await compiler.inspect(source(body, STRICT))).variables) == 1_000

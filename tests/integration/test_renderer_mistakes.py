"""What authors of templates and components are told of their mistakes: where they are, and what is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pressline.task.v1.task_pb2 import SourceDocument
from services.renderer.engine.compiler import Compiler
from services.renderer.engine.engine import Engine
from services.renderer.engine.model import ErrorCode, RenderError
from tests.support.renderer import STRICT, render, source

REACT = SourceDocument.KIND_REACT
ARROW = "export default () => {\n  const total = 1;\n"


@pytest.mark.parametrize(
    ("body", "data", "parts"),
    [
        ("<p>\n<h1>{{name</h1>", {}, ["line 2, column 11", '"<h1>{{name</h1>"', 'not closed with "}}"']),
        ("x\n{{#if a}}\n<p>{{a}}</p>", {}, ['"{{#if}}" of line 2 is never closed']),
        ("{{!-- {{#each}}\n --}}{{#if a}}{{a}}", {}, ['"{{#if}}" of line 2 is never closed']),
        ("{{#if a}}\n{{#each b}}{{/if}}", {}, ["{{#each}}", "line 2, column 4", 'closed by "{{/if}}"']),
        ("a\nb {{/if}}", {}, ["line 2, column 3", '"b {{/if}}"', "no block is open"]),
        ("{{else}}", {}, ["line 1, column 1", "outside of a block"]),
        ("a\n{{", {}, ["line 2, column 3", '"{{"', "ends within a tag"]),
        ("<p>\n  {{uper name}}", {"name": 1}, ["line 2, column 3", '"uper"', '"upper" is one']),
        ("{{a b}}", {"a": 1, "b": 2}, ['no helper named "a".']),
        ("{{#if}}x{{/if}}", {}, ["line 1", '"if" takes one value, not 0']),
        ("{{lookup a}}", {"a": {}}, ['"lookup" takes 2 values, not 1']),
        ("{{> card}}", {}, ['no partial "card"', "#*inline"]),
        ("{{ name | upper }}", {"name": 1}, ["column 9", '"|"', "no operators"]),
        ("{{#if a == 1}}x{{/if}}", {"a": 1}, ["column 10", '"="', "(eq a b)"]),
        ("{{items[0].name}}", {"items": []}, ["column 8", "items.[0]"]),
        ("h1 {color:{{colour}}}", {"colour": 1}, ["column 19", "write a space between"]),
        ("{{{name}}", {"name": 1}, ["line 1", '"}}}"']),
        ("{{date 'x}}", {}, ["column 8", "does not end"]),
        ("a\n{{name.first.second}}", {"name": None}, ['"name.first.second"', "line 2"]),
        ("a\n{{#each items}}\n{{price}}{{/each}}", {"items": [{"price": 1}, {}]}, ['"price"', "line 3"]),
        ("x" * 300 + "{{/if}}" + "y" * 300, {}, ["column 301", "x{{/if}}y", '"…x', 'y…"']),
    ],
)
async def test_mistakes_in_templates(compiler: Compiler, body: str, data: Any, parts: list[str]) -> None:
    with pytest.raises(RenderError) as caught:
        await compiler.fill(source(body, STRICT), json.dumps(data).encode(), "")
    assert caught.value.code is ErrorCode.TEMPLATE_ERROR
    assert [part for part in parts if part not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (ARROW + "  const x = ;\n  return <p/>;\n};", ["line 3, column 13", '"const x = ;"', "Unexpected token"]),
        (ARROW + "  return <p>{total}</b>;\n};", ["line 3", "closing tag for <p>"]),
        (ARROW + "  return <p>a</p><p>b</p>;\n};", ["line 3", "Adjacent JSX elements"]),
        (ARROW + "  if (total) {\n  return <p/>;\n};", ["line 5"]),
        (ARROW + "  return <p>{'a}</p>;\n};", ["line 3, column 14", "Unterminated string"]),
        (ARROW + "  const total = 2;\n};", ["line 3, column 9", "'total' has already been declared"]),
        ("export default (p: ) => <p/>;", ["line 1, column 20"]),
        ("(" * 60_000, ["call stack"]),
    ],
)
async def test_mistakes_in_the_syntax_of_components(compiler: Compiler, body: str, parts: list[str]) -> None:
    with pytest.raises(RenderError) as caught:
        await compiler.fill(source(body, REACT), b"{}", "")
    assert caught.value.code is ErrorCode.COMPILE_ERROR
    assert [part for part in parts if part not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("body", "code", "parts"),
    [
        (
            ARROW + "  return <p><b/>{prosp.name}</p>;\n};",
            "TEMPLATE_ERROR",
            ["line 3, column 18", "prosp is not defined"],
        ),
        (ARROW + "  return <Chart a={total} />;\n};", "TEMPLATE_ERROR", ["line 3, column 11", "Chart is not defined"]),
        ("import x from 'lodash'; export default () => x();", "COMPILE_ERROR", ["line 1, column 1:", '"lodash"']),
        ("export default <p/>", "COMPILE_ERROR", ["an element by default"]),
        ("export default () => <p style='color: red' />", "TEMPLATE_ERROR", ["style takes an object"]),
        ("export default () => <p>{{ a: 1 } as any}</p>", "TEMPLATE_ERROR", ["object with keys {a}"]),
        ("export default async () => <p/>", "TEMPLATE_ERROR", ["cannot be async"]),
        ("const A: any = undefined; export default () => <A/>", "TEMPLATE_ERROR", ["used as a component is undefined"]),
        (
            "import { useState } from 'react';\nexport default () => { const [a, set] = useState(0); set(a + 1); }",
            "TEMPLATE_ERROR",
            ["each time that it renders"],
        ),
    ],
)
async def test_mistakes_that_show_when_a_component_runs(engine: Engine, body: str, code: str, parts: list[str]) -> None:
    with pytest.raises(RenderError) as caught:
        await render(engine, source(body, REACT))
    assert caught.value.code is ErrorCode(code)
    assert [part for part in parts if part not in str(caught.value)] == []

"""React components, compiled in the compiler page and shown in a page of their own."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from pressline.task.v1.task_pb2 import SourceDocument
from services.renderer.engine import components
from services.renderer.engine.engine import Engine
from services.renderer.engine.model import ErrorCode, RenderError
from tests.support.renderer import image, pdf, pixel, render, running_engine, source

REACT = SourceDocument.KIND_REACT
RED, GREEN, WHITE = (255, 0, 0), (0, 128, 0), (255, 255, 255)


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with running_engine() as running:
        yield running


async def text(engine: Engine, body: str, data: Any = None, tmp: Path | None = None) -> str:
    """What the component shows, as it is printed."""
    row = data if isinstance(data, str) else json.dumps(data or {})
    printed = await render(engine, source(body, REACT), pdf(), row)
    tool = shutil.which("pdftotext")
    assert tool, "these tests need poppler-utils"
    done = subprocess.run([tool, "-", "-"], input=printed.data, capture_output=True, check=True, timeout=60)  # noqa: ASYNC221 - short
    return " ".join(done.stdout.decode().split())


async def failure(engine: Engine, body: str, data: Any = None) -> RenderError:
    with pytest.raises(RenderError) as caught:
        await render(engine, source(body, REACT), image(), json.dumps(data or {}))
    return caught.value


@pytest.mark.parametrize(
    ("body", "data", "expected"),
    [
        ("export default function Card({ name }) { return <h1>Hello {name}</h1> }", {"name": "Ada"}, "Hello Ada"),
        ("export default (p) => <p>{p.a + p.b}</p>", {"a": 1, "b": 2}, "3"),
        (
            """type Line = { what: string; price: number };
            interface Props { lines: Line[]; note?: string }
            export default function Invoice({ lines, note = "none" }: Props): JSX.Element {
              const total: number = lines.reduce((sum, line) => sum + line.price, 0);
              const items = lines.map((line) => <li key={line.what}>{line.what}</li>);
              return <><ul>{items}</ul>Total {total as number}, {note!}</>;
            }""",
            {"lines": [{"what": "one", "price": 1}, {"what": "two", "price": 2}]},
            "one two Total 3, none",
        ),
        (
            """import React, { useState, useEffect, useMemo, useRef } from "react";
            export default function Counter({ start }) {
              const [n, setN] = useState(start);
              const doubled = useMemo(() => n * 2, [n]);
              const seen = useRef("ref");
              useEffect(() => { if (n < start + 3) setN(n + 1); }, [n]);
              return React.createElement("p", null, `${n} ${doubled} ${seen.current}`);
            }""",
            {"start": 1},
            "4 8 ref",
        ),
        (
            """import { createContext, useContext, memo } from "react";
            const Name = createContext("");
            const Inner = () => <b>{useContext(Name)}</b>;
            export default memo(({ name }) => <Name.Provider value={name}><Inner /></Name.Provider>);""",
            {"name": "context"},
            "context",
        ),
        (
            """import { useState, useEffect } from "react";
            export default function Late() {
              const [word, setWord] = useState("early");
              useEffect(() => {
                window.pressline.ready(new Promise((done) => setTimeout(() => { setWord("late"); done(); }, 50)));
              }, []);
              return <p>{word}</p>;
            }""",
            {},
            "late",
        ),
        ("class A {} export default function B() { return <p>{'</script><!--'}{A.name}</p> }", {}, "</script><!--A"),
        ("export default ({ id }) => <p>{id}</p>", '{"id": 12345678901234567890}', "12345678901234567890"),
        ("export default ({ s }) => <p>{s}</p>", {"s": "</script>\u2028'\"`${1}"}, "</script> '\"`${1}"),
    ],
    ids=["props", "arrow", "types", "hooks", "context", "ready", "markup", "integers", "hostile-data"],
)
async def test_components_show_what_they_are_given(engine: Engine, body: str, data: Any, expected: str) -> None:
    assert await text(engine, body, data) == expected


async def test_styles_apply_and_cannot_leave_their_element(engine: Engine) -> None:
    css = "body { margin: 0 } .box { width: 200px; height: 100px; background: green } </style><h1>out</h1>"
    document = source("export default () => <div className='box' />", REACT, css)
    shown = await render(engine, document)
    assert pixel(shown, 5, 5) == GREEN
    assert pixel(shown, 195, 95) == GREEN


async def test_each_row_has_a_page_of_its_own(engine: Engine) -> None:
    document = source(
        """globalThis.count = (globalThis.count ?? 0) + 1;
        export default () => <div style={{ background: count === 1 ? "green" : "red", height: 90 }} />""",
        REACT,
    )
    for _ in range(3):
        assert pixel(await render(engine, document), 50, 50) == GREEN


@pytest.mark.parametrize(
    ("body", "code", "parts"),
    [
        ("export default function Card() {\n  return <h1>Hello;\n}", ErrorCode.COMPILE_ERROR, ["line 2, column 14"]),
        ("const x = ;\nexport default () => <p/>", ErrorCode.COMPILE_ERROR, ["line 1, column 11"]),
        ('import _ from "lodash";\nexport default () => <p>{_.x}</p>', ErrorCode.COMPILE_ERROR, ['"lodash"', "line 1"]),
        ("export const Card = () => <p/>", ErrorCode.COMPILE_ERROR, ["export a component by default"]),
        ("export default 7", ErrorCode.COMPILE_ERROR, ["export a component by default"]),
        ("const a = 1;\nmissing();\nexport default () => <p/>", ErrorCode.COMPILE_ERROR, ["missing", "line 2"]),
        (
            "export default function Card(props) {\n  const a = 1;\n  return <p>{props.owner.name}</p>;\n}",
            ErrorCode.TEMPLATE_ERROR,
            ["line 3", "column", "name"],
        ),
        ("export default () => {\n  throw new Error('no paper');\n}", ErrorCode.TEMPLATE_ERROR, ["line 2", "no paper"]),
        (
            """import { useEffect } from "react";
export default () => {
  useEffect(() => { throw new Error('in an effect') });
  return <p/>;
}""",
            ErrorCode.TEMPLATE_ERROR,
            ["line 3", "in an effect"],
        ),
        ("export default () => ({ not: 'a node' })", ErrorCode.TEMPLATE_ERROR, ["component failed"]),
    ],
    ids=["tags", "syntax", "import", "no-default", "no-component", "module", "render", "throw", "effect", "object"],
)
async def test_errors_name_what_is_wrong_and_where(
    engine: Engine, body: str, code: ErrorCode, parts: list[str]
) -> None:
    error = await failure(engine, body)
    assert error.code is code, error.message
    assert [part for part in parts if part not in error.message] == []


async def test_a_component_without_an_end_is_stopped(engine: Engine) -> None:
    body = "export default () => { for (;;) {} }"
    with pytest.raises(RenderError) as caught:
        await render(engine, source(body, REACT), seconds=2)
    assert caught.value.code is ErrorCode.RENDER_TIMEOUT
    assert pixel(await render(engine, source("export default () => <p/>", REACT)), 100, 90) == WHITE


async def test_a_page_that_lies_about_its_failure_fails_plainly(engine: Engine) -> None:
    body = (
        'export default () => { window[Symbol.for("pressline.state")].failed = { code: "NO_SUCH_CODE" }; return <p/> }'
    )
    assert (await failure(engine, body)).code is ErrorCode.TEMPLATE_ERROR


def test_the_runtime_can_be_written_into_a_page() -> None:
    page = components.page({"script": "", "mappings": "", "styles": "", "codes": True}, b"")
    assert page.count("</script") == 2
    assert "<!--" not in page

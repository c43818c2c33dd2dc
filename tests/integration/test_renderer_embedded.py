"""Sources with fonts and pictures in them: what comes out is as if all of it had been filled."""

from __future__ import annotations

import base64
import random
from typing import Any

import pytest

from pressline.task.v1.task_pb2 import SourceDocument
from services.renderer.engine import compiler as compiling
from services.renderer.engine.compiler import Compiler
from services.renderer.engine.model import ErrorCode, RenderError
from tests.support.renderer import HTML, STRICT, source

DATA = base64.b64encode(random.Random(3).randbytes(3000)).decode()  # noqa: S311 - a picture, and no secret
PICTURE = f'<img src="data:image/png;base64,{DATA}">'


async def test_a_template(compiler: Compiler) -> None:
    template = source(f"{PICTURE}{{{{#each xs}}}}{{{{this}}}}{PICTURE}\n{{{{/each}}}}", STRICT)
    for xs, expected in (("[1, 2]", f"{PICTURE}1{PICTURE}\n2{PICTURE}\n"), ("[3]", f"{PICTURE}3{PICTURE}\n")):
        filled = await compiler.fill(template, f'{{"xs": {xs}}}'.encode(), "")
        assert (filled.html, filled.scripted) == (expected, False)


async def test_a_script_beside_it_is_seen(compiler: Compiler) -> None:
    for kind in (HTML, STRICT):
        filled = await compiler.fill(source(f"{PICTURE}<script>1</script>", kind), b"{}", "")
        assert (filled.html, filled.scripted) == (f"{PICTURE}<script>1</script>", True)


@pytest.mark.parametrize("kind", [HTML, STRICT])
@pytest.mark.parametrize("tailwind", [False, True])
async def test_style_sheets_with_fonts(compiler: Compiler, kind: Any, tailwind: bool) -> None:
    styles = f'@font-face {{ font-family: F; src: url("data:font/woff2;base64,{DATA}") }}'
    body = f'<!doctype html><p class="flex">{PICTURE}'
    document = SourceDocument(id=f"{kind} {tailwind}", kind=kind, body=body, styles=styles, tailwind=tailwind)
    filled = await compiler.fill(document, b"{}", "")
    assert filled.html.count(DATA) == 2
    assert f"data:font/woff2;base64,{DATA}" in filled.html
    assert ("display: flex" in filled.html or "display:flex" in filled.html) is tailwind


async def test_a_value_is_compared_with_the_data_itself(compiler: Compiler) -> None:
    template = source(f'{{{{#if (eq photo "data:image/png;base64,{DATA}")}}}}same{{{{/if}}}}', STRICT)
    row = f'{{"photo": "data:image/png;base64,{DATA}"}}'
    assert (await compiler.fill(template, row.encode(), "")).html == "same"


@pytest.mark.parametrize(
    ("body", "place"),
    [
        pytest.param(f"a\n{PICTURE}{{{{/if}}}}", f"line 2, column {len(PICTURE) + 1}", id="no block"),
        pytest.param(f"{PICTURE}\n{{{{a}}}}", "line 2", id="no value"),
    ],
)
async def test_mistakes_are_told_with_their_places(compiler: Compiler, body: str, place: str) -> None:
    for _ in range(2):
        with pytest.raises(RenderError) as caught:
            await compiler.fill(source(body, STRICT), b"{}", "")
        assert caught.value.code is ErrorCode.TEMPLATE_ERROR
        assert place in caught.value.message


async def test_empty_variables_are_told_with_their_lines(compiler: Compiler) -> None:
    filled = await compiler.fill(source(f"{PICTURE}\n{{{{name}}}}", STRICT), b'{"name": ""}', "")
    assert filled.empty == ('"name" on line 2 of the template is empty.',)


async def test_data_counts_among_the_characters(compiler: Compiler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "MAX_CHARACTERS", 10 * len(PICTURE))
    template = source(f"{{{{#each xs}}}}{PICTURE}{{{{/each}}}}", STRICT)
    assert (await compiler.fill(template, b'{"xs": [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]}', "")).html == 10 * PICTURE
    with pytest.raises(RenderError) as caught:
        await compiler.fill(template, b'{"xs": [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]}', "")
    assert caught.value.code is ErrorCode.RESOURCE_LIMIT
    assert f"has {11 * len(PICTURE)} characters" in caught.value.message

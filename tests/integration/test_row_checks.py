"""The check of rows against what filling does: no row is refused that its template would have taken.

Block parameters are left out: what they lack, Handlebars prints as nothing even in strict mode, and the check names it.
"""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.renderer.engine.compiler import Compiler
from services.renderer.engine.model import RenderError
from services.scheduler.rowcheck import RowCheck
from tests.support.renderer import STRICT, running_engine, source

TEMPLATES, ROWS = 120, 4
NAMES = "abc"
HELPERS = ("upper", "default", "join", "lookup .")


@pytest.fixture(scope="module")
async def compiler() -> AsyncIterator[Compiler]:
    async with running_engine() as engine:
        yield engine._shared.compiler


def a_path(draw: random.Random) -> str:
    start = draw.choice(["", "", "", "", "this.", "../", "@root."])
    return start + ".".join(draw.choices(NAMES, k=draw.choice([1, 1, 1, 2])))


def a_template(draw: random.Random, depth: int = 3) -> str:
    return "".join(a_part(draw, depth) for _ in range(draw.randint(1, 3)))


def a_part(draw: random.Random, depth: int) -> str:
    return a_block(draw, depth - 1) if depth and draw.random() < 0.7 else a_leaf(draw)


def a_leaf(draw: random.Random) -> str:
    path = a_path(draw)
    return draw.choice([f"{{{{{path}}}}}", f"{{{{{draw.choice(HELPERS)} {path}}}}}", f"{{{{number 1 locale={path}}}}}"])


def a_block(draw: random.Random, depth: int) -> str:
    name, path, inner = draw.choice(NAMES), a_path(draw), a_template(draw, depth)
    other = f"{{{{else}}}}{a_template(draw, depth)}" if draw.random() < 0.3 else ""
    kind = draw.choice(["each", "each", "with", "if", "unless", "eq", "gt", "#", "^"])
    if kind in ("#", "^"):
        return f"{{{{{kind}{name}}}}}{inner}{{{{/{name}}}}}"
    arguments = f"{path} {a_path(draw)}" if kind in ("eq", "gt") else path
    return f"{{{{#{kind} {arguments}}}}}{inner}{other}{{{{/{kind}}}}}"


def a_value(draw: random.Random, depth: int = 3) -> Any:
    kinds = ["text", "text", "number", "flag", "null"]
    if depth:
        kinds += ["object"] * 4 + ["list"] * 3
    match draw.choice(kinds):
        case "text":
            return draw.choice(["", "x", "12"])
        case "number":
            return draw.choice([0, 1, 2.5])
        case "flag":
            return draw.random() < 0.5
        case "null":
            return None
        case "list":
            return [a_value(draw, depth - 1) for _ in range(draw.randint(0, 2))]
    return a_row(draw, depth - 1)


def a_row(draw: random.Random, depth: int = 3) -> dict[str, Any]:
    return {name: a_value(draw, depth) for name in NAMES if draw.random() < 0.75}


async def fills(compiler: Compiler, template: str, row: dict[str, Any]) -> bool:
    try:
        await compiler.fill(source(template, STRICT), json.dumps(row).encode(), "")
    except RenderError:
        return False
    return True


async def test_no_row_is_refused_that_its_template_would_have_taken(compiler: Compiler) -> None:
    draw = random.Random(20_261_121)  # noqa: S311 - repeatable, not secret
    refused = 0
    for _ in range(TEMPLATES):
        template = a_template(draw)
        found = await compiler.inspect(source(template, STRICT))
        assert not found.error, template
        check = RowCheck([], found.variables, missing=True)
        for row in (a_row(draw) for _ in range(ROWS)):
            faults = check(json.dumps(row).encode()).faults
            refused += bool(faults)
            assert not (faults and await fills(compiler, template, row)), f"{template}\n{row}\n{faults}"
    assert refused > TEMPLATES // 4

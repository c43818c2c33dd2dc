"""How a document is rendered makes no difference to it: with or without scripts, on a new page or on a used one."""

from __future__ import annotations

import asyncio

import pytest

from services.renderer.engine.engine import Engine
from services.renderer.engine.model import Budget, Job
from tests.visual.corpus import MOMENT, Case, as_template, corpus, with_script

CASES = {name: case for name, case in corpus().items() if not case.scripted}


async def rendered(engine: Engine, case: Case, **changed: object) -> bytes:
    job = {"source": case.source, "data_json": case.row} | changed
    return (await engine.render(Job(output=case.output, environment=MOMENT, **job), Budget(120))).data  # type: ignore[arg-type]


@pytest.mark.parametrize("name", CASES)
async def test_same_bytes_whatever_the_way(engine: Engine, name: str) -> None:
    case = CASES[name]
    template, row, other = as_template(case)
    alone = await rendered(engine, case, account=f"new-{name}")

    async def after_another_row() -> bytes:
        used = {"account": "used", "source": template}
        assert await rendered(engine, case, data_json=other, **used) != alone
        return await rendered(engine, case, data_json=row, **used)

    as_scripted = rendered(engine, case, account="scripted", source=with_script(case))
    scripted, warm = await asyncio.gather(as_scripted, after_another_row())
    assert warm == alone, "what was on the page before shows"
    assert scripted == alone, "a script that does nothing changes the output"

"""How a document is rendered makes no difference to it: with or without scripts, on a new page or on a used one."""

from __future__ import annotations

import asyncio

import pytest

from services.renderer.engine.engine import Engine
from services.renderer.engine.model import Budget, Job
from services.renderer.engine.tab import Tab
from tests.visual.corpus import MOMENT, Case, as_template, corpus, with_script, with_values

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


# What a page may remember, or draws in layers, is shown as a whole.
WHOLE = {"animation", "filters", "forms", "lists", "masks", "positions", "transforms", "vertical"}
WITH_VALUES = {name: with_values(case) for name, case in CASES.items() if not case.other}


@pytest.mark.parametrize("name", [name for name, (_, row, other) in WITH_VALUES.items() if row != other])
async def test_same_bytes_where_only_values_are_changed(
    engine: Engine, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, (source, row, other) = CASES[name], WITH_VALUES[name]
    sent, send = list[str](), Tab.send

    async def noted(tab: Tab, method: str, **parameters: object) -> object:
        sent.append(method)
        return await send(tab, method, **parameters)

    alone = await rendered(engine, case, account=f"new-{name}")
    used = {"account": "values", "source": source}
    for _ in range(2):
        assert await rendered(engine, case, data_json=other, **used) != alone
    monkeypatch.setattr(Tab, "send", noted)
    assert await rendered(engine, case, data_json=row, **used) == alone, "what was on the page before shows"
    assert ("Page.setDocumentContent" in sent) == (name in WHOLE)

"""Every document of the corpus looks as the picture that is kept of it, and its PDF says what it should."""

from __future__ import annotations

import pytest

from services.renderer.engine.engine import Engine
from tests.visual.corpus import corpus
from tests.visual.golden import complaint, folder, kept_versions, render
from tests.visual.pictures import picture_of, text_of

CASES = corpus()


@pytest.mark.parametrize("name", CASES)
async def test_looks_as_kept(engine: Engine, name: str) -> None:
    case = CASES[name]
    rendered = await render(engine, case)
    assert rendered.pages == case.pages
    if case.pages:
        pages = await text_of(rendered)
        assert len(pages) == case.pages
        for page, phrase in zip(pages, case.text, strict=False):
            assert phrase in page
    problem = complaint(name, await picture_of(rendered))
    assert not problem, problem


@pytest.mark.parametrize("version", kept_versions())
def test_every_document_has_a_picture_and_every_picture_a_document(version: tuple[int, ...]) -> None:
    assert {file.stem for file in folder(version).iterdir()} == set(CASES)

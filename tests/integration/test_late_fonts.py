"""Fonts that come only after a document was laid out, or are needed only where it is printed."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator

import pytest

from services.renderer.engine.engine import Engine
from services.renderer.engine.model import Budget, Job
from tests.support import fonts
from tests.support.assets import Files
from tests.support.renderer import image, pdf, render, running_engine, source

SCRIPT = "<script></script>"
BOXES = "<!doctype html><style>@page{margin:3cm;@%s{content:'AAA';font:20px 'Margin Face'}}</style>%s<p>text"
UPRIGHT = """<!doctype html><style>@font-face{font-family:Narrow;src:url(data:font/ttf;base64,%s)}
p{writing-mode:vertical-rl;font:40px Narrow,serif} span{text-combine-upright:all}</style>%s<p>A<span>AA</span>A"""


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with running_engine() as running:
        yield running


@pytest.mark.parametrize("script", ["", SCRIPT])
@pytest.mark.parametrize("box", ["top-left", "BOTTOM-CENTER", "right-middle"])
async def test_a_font_of_the_pages_margin_is_there_when_it_is_printed(engine: Engine, box: str, script: str) -> None:
    files = Files({"face.woff2": fonts.woff2("Margin Face")})
    job = Job(f"{box}{script}", source(BOXES % (box, script)), b"{}", pdf(), assets=files.of_item())
    first, second = [(await engine.render(job, Budget(60))).data for _ in range(2)]
    assert b"MarginFace" in first
    assert second == first


async def test_upright_text_is_set_in_the_font_that_comes(engine: Engine) -> None:
    face = base64.b64encode(fonts.truetype("Narrow")).decode()
    pictures = [
        (await render(engine, UPRIGHT % (face, script), image(), account="upright")).data for script in ("", "", SCRIPT)
    ]
    assert len(set(pictures)) == 1

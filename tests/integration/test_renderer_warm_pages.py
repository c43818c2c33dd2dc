"""A page that has shown other documents shows the next one as a new page does, byte for byte."""

from __future__ import annotations

import base64
import itertools
from collections.abc import AsyncIterator

import pytest

from pressline.batch.v1.batch_pb2 import OutputSpec
from services.renderer.engine.engine import Engine
from tests.support.fonts import truetype
from tests.support.renderer import image, pdf, render, running_engine

SHAPE = "<rect width='40' height='30' fill='%2300a0ff'/>"
PICTURE = f"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='40' height='30'>{SHAPE}</svg>"
FONT = base64.b64encode(truetype("Boxes")).decode()
FACE = f"@font-face{{font-family:Boxes;src:url(data:font/ttf;base64,{FONT})}}"
DOCUMENTS = {
    "plain": "<!doctype html><title>Plain</title><p>A plain page",
    "quirks": "<table style='font-size:30px'><tr><td>Quirks</table><p style='width:50;background:red'>x",
    "form": "<form><input value=one>"
    "<input type=checkbox checked><textarea>two</textarea><select><option>a<option selected>b",
    "focus": "<style>:focus{background:lime;outline:5px solid red}</style><input><input autofocus value=here>",
    "animation": "<style>@keyframes k{from{margin-left:0}to{margin-left:90px}}"
    "p{animation:k .2s both;width:50px;background:red}"
    "</style><p>moves",
    "endless": "<style>@keyframes k{from{margin-left:0}to{margin-left:90px}}"
    "p{animation:k 1s infinite;background:red}</style><p>turns",
    "appears": "<style>p{transition:opacity 1s;background:red}@starting-style{p{opacity:0}}</style><p>appears",
    "smil": "<svg width=100 height=50><rect height=50 fill=red><animate attributeName=width from=0 to=100 dur=1s "
    "repeatCount=indefinite /></rect></svg>",
    "target": "<style>:target{background:red}</style><a id=here href='#here'>here</a>",
    "counters": "<style>body{counter-reset:n}li::before{counter-increment:n;content:counter(n) ' '}</style>"
    "<ol><li>a<li>b<li>c",
    "images": f'<img src="{PICTURE}"><img loading=lazy style="margin-top:3000px" src="{PICTURE}">',
    "background": f'<body style="background:url(&quot;{PICTURE}&quot;)">tiles',
    "fonts": f"<style>{FACE}p{{font:20px Boxes}}</style><p>AAA A",
    "no-font": "<style>p{font:20px Boxes,serif}</style><p>AAA A",
    "language": "<html lang=tr dir=rtl class=wide><style>.wide p{text-transform:uppercase}</style>"
    "<body class=b><p>istanbul",
    "base": f'<base href="https://elsewhere.invalid/"><img src="x.png" alt="none"><img src="{PICTURE}">',
    "details": "<details open><summary>more</summary>inside</details><dialog open>asks</dialog>",
    "scroller": "<div style='height:50px;overflow:auto'><p style='height:500px'>long</div><p style='height:999px'>x",
    "print": "<style>p{color:red}@media print{p{color:blue;break-before:page}}@page{size:100mm 80mm}</style><p>a<p>b",
    "metadata": "<html lang=de><title>Ein Titel</title><h1>Eins</h1><h2>Zwei</h2><a href='https://example.com/'>x</a>",
}
OUTPUTS = {"png": image(200, 120), "pdf": pdf()}


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with running_engine(browsers=1, pages=1, recycle=10_000) as running:
        yield running


@pytest.fixture(scope="module")
async def cold(engine: Engine) -> dict[tuple[str, str], bytes]:
    """Each document as a page shows it that has shown nothing before: that of an account of its own."""
    return {
        (name, kind): (await render(engine, document, output, account=f"{name} {kind}")).data
        for (name, document), (kind, output) in itertools.product(DOCUMENTS.items(), OUTPUTS.items())
    }


def sequence(seed: int) -> list[str]:
    names = list(DOCUMENTS)
    return names[seed:] + names[:seed] if seed % 2 else list(reversed(names))


@pytest.mark.parametrize("kind", list(OUTPUTS))
@pytest.mark.parametrize("seed", [0, 7])
async def test_a_warm_page_is_as_a_new_one(
    engine: Engine, cold: dict[tuple[str, str], bytes], kind: str, seed: int
) -> None:
    output: OutputSpec = OUTPUTS[kind]
    different = [
        name
        for name in sequence(seed)
        if (await render(engine, DOCUMENTS[name], output, account="warm")).data != cold[name, kind]
    ]
    assert different == []

"""What is waited for before a page is captured."""

from __future__ import annotations

import base64
import io
from collections.abc import AsyncIterator

import pytest
from PIL import Image

from pressline.task.v1.task_pb2 import SourceDocument
from services.renderer.engine.engine import Engine
from services.renderer.engine.model import ErrorCode, RenderError
from tests.support.renderer import pixel, render, running_engine, source

REACT = SourceDocument.KIND_REACT
GREEN = (0, 255, 0)


def picture() -> str:
    """Large enough to take its time."""
    data = io.BytesIO()
    Image.effect_noise((1500, 1000), 1).convert("RGB").point(lambda _: 0).save(data, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()


PICTURE = picture()
SVG = f"<svg xmlns='http://www.w3.org/2000/svg' width='200' height='100'><image href='{PICTURE}' width='200'/></svg>"


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with running_engine(pages=1) as running:
        yield running


@pytest.mark.parametrize("script", ["", "<script></script>"])
@pytest.mark.parametrize(
    "markup",
    [
        f"<input type=image src='{PICTURE}' width=200 height=100>",
        f"<picture><source srcset='{PICTURE}'><img loading=lazy width=200 height=100></picture>",
        f"<video poster='{PICTURE}' style='width:200px;height:100px;object-fit:fill'></video>",
        SVG,
        f"<style>p:before{{content:url('{PICTURE}')}}</style><p>",
        f"<div style=\"height:100px;background:#000;mask:url('{PICTURE}') 0 0/200px 100px\"></div>",
        f"<div style=\"height:50px;border:25px solid;border-image:url('{PICTURE}') 200 fill\"></div>",
    ],
    ids=["input", "picture", "poster", "svg", "content", "mask", "border"],
)
async def test_every_kind_of_image_is_drawn(engine: Engine, markup: str, script: str) -> None:
    rendered = await render(engine, f"<!doctype html><style>*{{margin:0}}</style>{script}{markup}")
    assert max(pixel(rendered, 100, 50)) < 20


async def test_lazy_images_in_frames_and_shadow_trees(engine: Engine) -> None:
    lazy = f"<img loading=lazy src='{PICTURE}' width=200 height=100>"
    inner = f"<style>*{{margin:0}}</style>{lazy}".replace('"', "&quot;")
    frame = f'<iframe loading=lazy frameborder=0 width=200 height=100 srcdoc="{inner}"></iframe>'
    shadow = f"<div><template shadowrootmode=open>{lazy}</template></div>"
    for document in (frame, shadow):
        assert max(pixel(await render(engine, f"<!doctype html><style>*{{margin:0}}</style>{document}"), 100, 50)) < 20


async def test_names_in_the_document_hold_nothing_up(engine: Engine) -> None:
    names = ["images", "fonts", "readyState", "documentElement", "querySelectorAll", "defaultView"]
    forms = "".join(f"<form name={name}></form><img name={name}>" for name in names)
    for script in ("", "<script></script>"):
        rendered = await render(engine, f"<style>html{{background:#0f0}}</style>{forms}{script}")
        assert pixel(rendered, 199, 99) == GREEN


async def test_promises_given_in_turn_are_all_waited_for(engine: Engine) -> None:
    document = """<body style="background:#f00"><script>
    pressline.ready(new Promise((done) => setTimeout(done, 50)).then(() => {
      const paint = (done) => { document.body.style.background = "#0f0"; done(); };
      pressline.ready(new Promise((done) => setTimeout(() => paint(done), 50)));
    }));</script>"""
    assert pixel(await render(engine, document), 100, 50) == GREEN


async def test_a_rejected_promise_fails_the_item_with_its_reason(engine: Engine) -> None:
    for reason, said in (
        ("new Error('no chart')", "no chart"),
        ("'plain words'", "plain words"),
        ("'x'.repeat(1e6)", "xxx"),
        ("Symbol('s')", "Symbol(s)"),
        ("Object.create(null)", "rejected"),
        ("undefined", "undefined"),
    ):
        with pytest.raises(RenderError) as caught:
            await render(engine, f"<script>window.pressline.ready(Promise.reject({reason}))</script>")
        assert caught.value.code == ErrorCode.TEMPLATE_ERROR
        assert said in caught.value.message
        assert len(caught.value.message) <= 1000


async def test_a_promise_that_never_settles_runs_out_of_the_items_time(engine: Engine) -> None:
    with pytest.raises(RenderError) as caught:
        await render(engine, "<script>pressline.ready(new Promise(() => {}))</script>", seconds=2)
    assert caught.value.code == ErrorCode.RENDER_TIMEOUT


async def test_components_in_typescript_may_wait(engine: Engine) -> None:
    component = """import { useEffect, useState } from "react";
    export default function Card({ colour }: { colour: string }) {
      const [shown, setShown] = useState<string>("#f00");
      useEffect(() => {
        const show = (done: () => void) => { setShown(colour); setTimeout(done); };
        window.pressline.ready(new Promise<void>((done) => setTimeout(() => show(done), 80)));
      }, []);
      return <div style={{ background: shown, position: "fixed", inset: 0 }} />;
    }"""
    rendered = await render(engine, source(component, REACT), data='{"colour": "#0f0"}')
    assert pixel(rendered, 100, 50) == GREEN

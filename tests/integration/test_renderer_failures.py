"""What is kept of pages that items failed on: what they showed, and what was odd by then."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from PIL import Image

from pressline.batch.v1.batch_pb2 import FORMAT_PNG, ImageOptions, OutputSpec
from pressline.task.v1.task_pb2 import SourceDocument
from services.renderer.engine import failures, shots
from services.renderer.engine.engine import Engine
from services.renderer.engine.model import Budget, ErrorCode, Job, RenderError
from services.renderer.engine.requests import Answer
from tests.support.renderer import LENIENT, image, pdf, render, running_engine, source

LONGEST_SIDE = 1400
GREEN = "<style>*{margin:0}html{background:#0a0}</style>"
REJECTED = "<script>pressline.ready(Promise.reject(new Error('no figures')))</script>"
# The page tells that all is there as it wants to be seen, and never ends after that.
TELL = "fetch('https://figures.example/')"
NEVER = f"<script>pressline.ready(new Promise(() => {TELL}))</script>"
LOOP = f"<script>onload = () => {{ {TELL}; setTimeout(() => {{ while (true) {{}} }}, 1) }}</script>"
EFFECT = (
    "import { useEffect, useState } from 'react'; export default () => { const [n, set] = useState(0); "
    "useEffect(() => { if (n) throw new Error('boom'); set(1); }, [n]); return <p>{n}</p>; }"
)


class UntilTold(Budget):
    """A budget that is used up when the page says so, whatever the machine is busy with."""

    id = "told"

    @asynccontextmanager
    async def spend(self) -> AsyncIterator[None]:
        async with asyncio.timeout(120) as self.limit:
            yield

    async def answer(self, _url: str, _method: str, _kind: str) -> Answer | None:
        # A script that never ends does not begin before it has told.
        await asyncio.sleep(1)
        self.limit.reschedule(asyncio.get_running_loop().time())
        await asyncio.sleep(3600)
        return None


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Engine]:
    with pytest.MonkeyPatch.context() as patch:
        # What is looked at here is whether there are pictures, not how fast they come.
        patch.setattr(failures, "SECONDS", 60)
        async with running_engine(pages=1) as running:
            yield running


async def failed(engine: Engine, document: SourceDocument | str, output: OutputSpec | None = None) -> RenderError:
    with pytest.raises(RenderError) as caught:
        await render(engine, document, output)
    return caught.value


async def out_of_time(engine: Engine, document: str) -> RenderError:
    budget = UntilTold(30)
    with pytest.raises(RenderError) as caught:
        await engine.render(Job("account", source(document), b"{}", image(), remote=budget), budget)
    assert caught.value.code == ErrorCode.RENDER_TIMEOUT
    return caught.value


async def refused(engine: Engine, document: str, output: OutputSpec) -> RenderError:
    def refuse(warnings: tuple[str, ...]) -> None:
        raise RenderError(ErrorCode.ASSET_FAILED, "the logo is missing", warnings)

    with pytest.raises(RenderError) as caught:
        await engine.render(Job("account", source(document), b"{}", output, accept=refuse), Budget(120))
    return caught.value


def seen(error: RenderError) -> Image.Image:
    found = Image.open(io.BytesIO(error.screenshot))
    assert found.format == "JPEG"
    assert max(found.size) <= LONGEST_SIDE
    return found.convert("RGB")


def is_green(picture: Image.Image, x: int, y: int) -> bool:
    pixel = picture.getpixel((x, y))
    assert isinstance(pixel, tuple)
    return all(abs(is_ - was) < 8 for is_, was in zip(pixel, (0, 170, 0), strict=True))


async def test_a_rejected_promise_shows_the_page_and_what_scripts_and_template_said(engine: Engine) -> None:
    script = "<script>console.error('the figures are gone')</script>"
    error = await failed(engine, source(f"{GREEN}{script}{{{{name}}}}{REJECTED}", LENIENT))
    assert (error.code, error.message.endswith("Error: no figures")) == (ErrorCode.TEMPLATE_ERROR, True)
    assert seen(error).size == (200, 100)
    assert is_green(seen(error), 199, 99)
    assert error.warnings == (
        "CONSOLE_ERROR: the figures are gone",
        'EMPTY_VARIABLE: "name" on line 1 of the template is empty.',
    )


@pytest.mark.parametrize("script", [NEVER, LOOP], ids=["never settles", "never ends"])
async def test_a_page_that_takes_too_long_is_seen_even_while_a_script_runs(engine: Engine, script: str) -> None:
    error = await out_of_time(engine, f"{GREEN}<script>console.error('so far')</script>{script}")
    assert is_green(seen(error), 100, 50)
    assert error.warnings == ("CONSOLE_ERROR: so far",)


async def test_a_component_that_throws(engine: Engine) -> None:
    component = source(EFFECT, SourceDocument.KIND_REACT, "html { background: #0a0 }")
    error = await failed(engine, component)
    assert (error.code, "boom" in error.message) == (ErrorCode.TEMPLATE_ERROR, True)
    assert is_green(seen(error), 100, 50)


async def test_a_selector_that_nothing_fits_and_a_page_that_is_too_high(engine: Engine) -> None:
    selector = ImageOptions(width=300, height=200, selector="#card")
    assert is_green(seen(await failed(engine, GREEN, OutputSpec(format=FORMAT_PNG, image=selector))), 299, 199)
    high = ImageOptions(width=2000, height=1000, device_scale_factor=3, full_page=True)
    document = f"{GREEN}<p style='height:9000px'>high"
    error = await failed(engine, document, OutputSpec(format=FORMAT_PNG, image=high))
    assert error.code == ErrorCode.RESOURCE_LIMIT
    assert seen(error).size == (LONGEST_SIDE, LONGEST_SIDE // 2)
    assert is_green(seen(error), 1390, 690)


@pytest.mark.parametrize("output", [image(), pdf()], ids=["image", "pdf"])
@pytest.mark.parametrize("script", ["", "<script></script>"], ids=["plain", "scripted"])
async def test_a_file_that_is_not_accepted_has_all_its_warnings(
    engine: Engine, output: OutputSpec, script: str
) -> None:
    clipped = "<p style='width:50px;height:20px;overflow:hidden'>Much too long a text for this"
    error = await refused(engine, f"<!doctype html>{GREEN}{script}{clipped}", output)
    assert (error.code, error.message) == (ErrorCode.ASSET_FAILED, "the logo is missing")
    assert [warning.partition(":")[0] for warning in error.warnings] == ["TEXT_CLIPPED"]
    picture = seen(error)
    assert picture.width == (794 if output.HasField("pdf") else 200)
    assert is_green(picture, picture.width - 1, picture.height - 1)


async def test_a_page_for_print_is_shown_small(engine: Engine) -> None:
    error = await failed(engine, GREEN, pdf(width="3000px", height="1500px", page_ranges="3"))
    assert "page 3" in error.message
    assert seen(error).size == (LONGEST_SIDE, LONGEST_SIDE // 2)
    assert is_green(seen(error), 1390, 690)


async def test_what_was_to_be_encrypted_is_not_shown(engine: Engine) -> None:
    output = pdf(page_ranges="3")
    output.pdf.encryption.user_password = "secret"
    for script in ("", "<script></script>"):
        error = await failed(engine, script + GREEN, output)
        assert ("page 3" in error.message, error.screenshot) == (True, b"")


async def test_what_never_had_a_page_has_no_picture(engine: Engine) -> None:
    for document in (
        source("{{nobody}}", SourceDocument.KIND_HANDLEBARS_STRICT),
        source("export const x = 1", SourceDocument.KIND_REACT),
        source("export default () => <p>", SourceDocument.KIND_REACT),
    ):
        assert (await failed(engine, document)).screenshot == b""


async def test_a_page_that_shows_nothing_in_time_fails_as_it_would(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "SECONDS", 0.2)
    # The script that it waits for is in its head, so there is nothing to draw.
    error = await out_of_time(engine, "<head><script src='https://figures.example/a.js'></script></head>x")
    assert (error.message.partition(".")[0], error.screenshot) == ("Rendering took longer than 30 seconds", b"")


async def test_a_large_picture_is_dropped_and_one_that_cannot_be_taken_is_missed_by_nobody(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "MOST_BYTES", 100)
    error = await failed(engine, GREEN + REJECTED)
    assert (error.message.endswith("no figures"), error.screenshot) == (True, b"")

    async def broken(*_: object) -> bytes:
        raise KeyError("data")

    monkeypatch.setattr(shots, "glance", broken)
    error = await failed(engine, GREEN + "<script>console.error('odd')</script>" + REJECTED)
    assert (error.screenshot, error.warnings) == (b"", ("CONSOLE_ERROR: odd",))


async def test_later_items_are_what_they_were(engine: Engine) -> None:
    card = "<style>body{font:40px serif;background:#fed}</style>Card"
    outputs = [image(), pdf()]
    before = [(await render(engine, card, output)).data for output in outputs]
    for output in outputs:
        await refused(engine, card, output)
    await out_of_time(engine, GREEN + LOOP)
    assert [(await render(engine, card, output)).data for output in outputs] == before

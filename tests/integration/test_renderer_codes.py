"""QR codes and barcodes in templates and components, read by a reader as a camera's would."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import zxingcpp

from pressline.task.v1.task_pb2 import SourceDocument
from services.renderer.engine.compiler import Compiler
from services.renderer.engine.engine import Engine
from services.renderer.engine.model import ErrorCode, Rendered, RenderError
from tests.support.renderer import STRICT, image, picture, pixel, render, running_engine, source

REACT = SourceDocument.KIND_REACT
WHITE = (255, 255, 255)
# A type, what is given, and what a reader finds.
BARCODES: list[tuple[str, str | int, str, str]] = [
    ("code128", "ABC-abc 123", "Code 128", "ABC-abc 123"),
    ("code39", "ABC-123", "Code 39", "ABC-123"),
    ("ean13", "4006381333931", "EAN-13", "4006381333931"),
    ("ean13", 590123412345, "EAN-13", "5901234123457"),
    ("ean8", "7351353", "EAN-8", "73513537"),
    # A UPC-A is an EAN-13 that begins with 0.
    ("upca", "01234567890", "EAN-13", "0012345678905"),
    ("itf", "00012345678905", "ITF", "00012345678905"),
]


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with running_engine() as running:
        yield running


def read(rendered: Rendered) -> list[tuple[str, str]]:
    """The codes in a picture: their types and what they say."""
    return sorted((str(found.format), found.text) for found in zxingcpp.read_barcodes(picture(rendered)))


async def drawn(engine: Engine, body: str, data: Any = None, columns: int = 1) -> Rendered:
    styles = (
        f"body {{ margin: 0; display: grid; grid-template-columns: repeat({columns}, auto); justify-items: start }}"
    )
    return await render(engine, source(body, STRICT, styles), image(800, 800), json.dumps(data or {}))


async def failure(engine: Engine, body: str, data: Any = None) -> str:
    with pytest.raises(RenderError) as caught:
        await drawn(engine, body, data)
    assert caught.value.code is ErrorCode.TEMPLATE_ERROR
    return str(caught.value)


async def test_a_qr_code_says_what_it_was_given(engine: Engine) -> None:
    given = [
        "https://example.com/?a=b&c=<d>",
        "0123456789",
        "GRÜSSE, 日本語 🎉",
        "x" * 300,
        "{{not}} a template",
        "^029",
    ]
    shown = await drawn(engine, "{{#each given}}{{qr this 260}}{{/each}}", {"given": given}, 2)
    assert sorted(text for _, text in read(shown)) == sorted(given)


@pytest.mark.parametrize("level", ["L", "M", "Q", "H"])
async def test_a_qr_code_has_the_level_and_colours_that_were_asked_for(engine: Engine, level: str) -> None:
    shown = await drawn(
        engine, '{{qr 17 size=290 margin=4 level=level color="#800000" background="#ffff00"}}', {"level": level}
    )
    (found,) = zxingcpp.read_barcodes(picture(shown))
    assert (found.text, found.ec_level) == ("17", level)
    assert pixel(shown, 2, 2) == pixel(shown, 287, 287) == (255, 255, 0)
    assert pixel(shown, 45, 45) == (128, 0, 0)  # The margin is four of 29 modules, and a corner begins behind it.
    assert pixel(shown, 292, 2) == WHITE


@pytest.mark.parametrize("text", ["true", "false"])
async def test_a_barcode_says_what_it_was_given(engine: Engine, text: str) -> None:
    values = [value for _, value, _, _ in BARCODES]
    body = "".join(f'{{{{barcode v.[{at}] "{each[0]}" text={text}}}}}' for at, each in enumerate(BARCODES))
    shown = await drawn(engine, body, {"v": values}, 2)
    assert read(shown) == sorted((name, written) for _, _, name, written in BARCODES)


async def test_a_barcode_has_the_size_that_was_asked_for(engine: Engine) -> None:
    body = '{{barcode "AB" module=3 height=90 margin=2 text=false color="navy" background="lime"}}'
    shown = await drawn(engine, body)
    # Start, two letters, a check digit and the end have 11, 22, 11 and 13 narrowest bars.
    width = (11 + 22 + 11 + 13 + 2 * 2) * 3
    assert pixel(shown, 0, 0) == pixel(shown, width - 1, 89) == (0, 255, 0)
    assert pixel(shown, width, 0) == WHITE
    assert pixel(shown, 7, 45) == (0, 0, 128)


async def test_components_draw_them_too(engine: Engine) -> None:
    body = """import { QrCode, Barcode } from "pressline";
    export default ({ url, sku }: { url: string; sku: string }) => <>
      <QrCode value={url} size={200} level="Q" style={{ border: "4px solid red" }} />
      <Barcode value={sku} type="ean13" text={false} />
    </>;"""
    data = {"url": "https://example.com/é", "sku": "4006381333931"}
    shown = await render(engine, source(body, REACT), image(500, 400), json.dumps(data))
    assert read(shown) == [("EAN-13", data["sku"]), ("QR Code", data["url"])]
    assert pixel(shown, 10, 10) == (255, 0, 0)


async def test_what_is_empty_draws_nothing(engine: Engine) -> None:
    shown = await drawn(engine, "{{qr a}}{{barcode a}}{{qr b}}", {"a": "", "b": None})
    assert picture(shown).getcolors() == [(800 * 800, WHITE)]


@pytest.mark.parametrize(
    ("body", "data", "parts"),
    [
        ('x\n{{barcode sku "ean13"}}', {"sku": "12"}, ['"barcode"', "line 2", '"sku"', '"12"', "ean13", "13 with"]),
        ('{{barcode sku "ean13"}}', {"sku": "4006381333930"}, ['"4006381333930"', "ean13", "check digit"]),
        ('{{barcode v "itf"}}', {"v": "123"}, ["itf", "even number"]),
        ('{{barcode v "code39"}}', {"v": "abc"}, ['"abc"', "code39", "capital letters"]),
        ("{{barcode v}}", {"v": "naïve"}, ["code128", "ASCII"]),
        ("{{barcode v}}", {"v": "7" * 81}, ["longer than 80"]),
        ('{{barcode v "code12"}}', {"v": "1"}, ["code12", "none of code128, code39"]),
        ("{{qr v}}", {"v": {"a": 1}}, ['"qr"', '"v"', "neither text nor a number"]),
        ('{{qr v level="H"}}', {"v": "x" * 2000}, ["does not fit", "level H", "2000 characters", "…"]),
        ("{{qr v level=l}}", {"v": "1", "l": "Z"}, ['"l"', '"Z"', "none of L, M, Q, H"]),
        ("{{qr v color=c}}", {"v": "1", "c": '"/><script>'}, ['"c"', "is not a colour"]),
        ("{{qr v size=0}}", {"v": "1"}, ['"0"', "from 1 to 4000"]),
        ('{{qr v colour="red"}}', {"v": "1"}, ["colour", "no option", "size, margin, level, color"]),
        ("{{qr v 100 4}}", {"v": "1"}, ["argument 3", "no option"]),
    ],
)
async def test_what_cannot_be_drawn_is_named(engine: Engine, body: str, data: Any, parts: list[str]) -> None:
    message = await failure(engine, body, data)
    assert [part for part in parts if part not in message] == []


async def test_a_component_with_a_wrong_code_says_why(engine: Engine) -> None:
    body = 'import { Barcode } from "pressline"; export default () => <Barcode value="12" type="upca" />;'
    with pytest.raises(RenderError, match='"12" cannot be encoded as upca') as caught:
        await render(engine, source(body, REACT))
    assert caught.value.code is ErrorCode.TEMPLATE_ERROR


async def test_a_document_with_codes_needs_no_scripts(engine: Engine) -> None:
    compiler: Compiler = engine._shared.compiler
    row = json.dumps({"v": "javascript:alert(1)"}).encode()
    filled = await compiler.fill(source("{{qr v}}{{barcode v}}", STRICT), row, "")
    assert not filled.scripted
    assert filled.html.count("<svg ") == 2
    assert "javascript" not in filled.html


async def test_what_a_code_takes_from_a_row_is_listed(engine: Engine) -> None:
    body = '{{qr url level=level}}{{#if sku}}{{barcode sku "ean13"}}{{/if}}{{qr}}{{barcode}}'
    found = await engine.inspect(source(body, STRICT))
    listed = {variable.name: variable.required for variable in found.variables}
    assert listed == {"url": True, "level": True, "sku": False, "qr": True, "barcode": True}

"""Writing systems and emoji, with nothing but the fonts that are installed with a renderer."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from services.renderer.engine.engine import Engine
from tests.support.renderer import image, picture, render, running_engine

ROOT = Path(__file__).parents[2]
WRITING = {
    "latin": "ÄßčøŁ€",
    "greek": "Ωλθ",
    "cyrillic": "ЖщЇ",
    "chinese": "中文字體简",
    "japanese": "日かなカ",
    "korean": "한글뷁",
    "arabic": "عربيپ",
    "hebrew": "עברתץ",
    "devanagari": "हिन्दी",
    "bengali": "বাংল",
    "tamil": "தமிழ",
    "thai": "ไทยฬ",
    "georgian": "ქარ",
    "armenian": "Հայ",
    "ethiopic": "አማር",
    "signs": "→✓★∑≤№™",
}
EMOJI = ["😀", "🎉", "👩‍🚀", "🇩🇪", "👍🏽", "❤️"]
UNASSIGNED = "\u0378"
CELL = 60


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with running_engine() as running:
        yield running


async def cells(engine: Engine, family: str, texts: list[str], languages: list[str] | None = None) -> list[Image.Image]:
    """Each text in a picture of its own."""
    style = f"margin:0;font:32px/{CELL}px {family};display:grid;grid-template-columns:repeat(10,{CELL}px)"
    spans = "".join(
        f'<span lang="{language}" style="height:{CELL}px;text-align:center">{text}</span>'
        for text, language in zip(texts, languages or [""] * len(texts), strict=True)
    )
    rows = -(-len(texts) // 10)
    whole = picture(await render(engine, f'<body style="{style}">{spans}', image(10 * CELL, rows * CELL)))
    boxes = [(at % 10 * CELL, at // 10 * CELL) for at in range(len(texts))]
    return [whole.crop((x, y, x + CELL, y + CELL)) for x, y in boxes]


@pytest.mark.parametrize("family", ["sans-serif", "serif", "monospace", "'No Such Font'"])
async def test_no_letter_is_an_empty_box(engine: Engine, family: str) -> None:
    # Marks belong to the letter before them.
    letters = [
        letter for text in WRITING.values() for letter in re.findall(r"\w[\u0900-\u0903\u093a-\u094f]*|\S", text)
    ]
    *shown, box, blank = await cells(engine, family, [*letters, *EMOJI, UNASSIGNED, ""])
    assert ImageChops.difference(box, blank).getbbox()
    same = [
        letter
        for letter, cell in zip([*letters, *EMOJI], shown, strict=True)
        if not (ImageChops.difference(cell, box).getbbox() and ImageChops.difference(cell, blank).getbbox())
    ]
    assert same == []


async def test_emoji_are_in_colour(engine: Engine) -> None:
    for emoji, cell in zip(EMOJI, await cells(engine, "sans-serif", EMOJI), strict=True):
        counted = cell.convert("HSV").getchannel("S").histogram()
        assert sum(counted[60:]) > 50, emoji


async def test_letters_of_two_languages_follow_the_language(engine: Engine) -> None:
    languages = ["zh-Hans", "zh-Hant", "ja", "ko"]
    shown = await cells(engine, "sans-serif", ["骨"] * 4, languages)
    assert len({cell.tobytes() for cell in shown}) >= 3  # Japan and Korea write it alike.


def test_images_have_the_fonts_that_a_machine_has() -> None:
    def fonts(path: str) -> set[str]:
        return set(re.findall(r"\bfonts-[\w-]+", (ROOT / path).read_text()))

    assert fonts("deploy/docker/Dockerfile") == fonts("deploy/local/system.sh") != set()

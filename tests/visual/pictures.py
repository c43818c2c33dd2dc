"""Pictures of what was rendered, and how far two pictures are apart."""

from __future__ import annotations

import asyncio
import io
import tempfile
from pathlib import Path

from PIL import Image, ImageChops

from services.renderer.engine.model import Rendered

DOTS_PER_INCH = 40
_PAGES_ACROSS = 4
_GAP = 6
_GREY = (148, 163, 184)


async def picture_of(rendered: Rendered) -> Image.Image:
    """An image as it is; of a PDF all pages side by side."""
    if rendered.pages:
        return _sheet(await _pages(rendered.data))
    return Image.open(io.BytesIO(rendered.data)).convert("RGB")


async def text_of(rendered: Rendered) -> list[str]:
    """The text on each page of a PDF, with one space between words."""
    out = await _run("pdftotext", "-", "-", stdin=rendered.data)
    return [" ".join(page.split()) for page in out.decode().split("\f")[:-1]]


def apart(one: Image.Image, other: Image.Image, levels: int) -> tuple[float, Image.Image]:
    """Compare two pictures of one size.

    Args:
        one: what was expected.
        other: what came.
        levels: of 255 in a channel that two pixels may differ by.

    Returns:
        The share of the pixels that differ, and the first picture, faint, with those in red.
    """
    channels = ImageChops.difference(one, other).split()
    most = ImageChops.lighter(ImageChops.lighter(channels[0], channels[1]), channels[2])
    mask = most.point(lambda level: 255 if level > levels else 0)
    shown = Image.blend(one, Image.new("RGB", one.size, "white"), 0.7)
    shown.paste((220, 0, 0), mask=mask)
    return mask.histogram()[255] / (one.width * one.height), shown


def _sheet(pages: list[Image.Image]) -> Image.Image:
    width, height = max(page.width for page in pages), max(page.height for page in pages)
    across, down = min(len(pages), _PAGES_ACROSS), -(-len(pages) // _PAGES_ACROSS)
    sheet = Image.new("RGB", (across * (width + _GAP) + _GAP, down * (height + _GAP) + _GAP), _GREY)
    for index, page in enumerate(pages):
        column, row = index % _PAGES_ACROSS, index // _PAGES_ACROSS
        sheet.paste(page, (_GAP + column * (width + _GAP), _GAP + row * (height + _GAP)))
    return sheet


async def _pages(data: bytes) -> list[Image.Image]:
    with tempfile.TemporaryDirectory() as folder:
        await _run("pdftoppm", "-r", str(DOTS_PER_INCH), "-png", "-", f"{folder}/page", stdin=data)
        return _opened(Path(folder))


def _opened(folder: Path) -> list[Image.Image]:
    return [Image.open(io.BytesIO(file.read_bytes())).convert("RGB") for file in sorted(folder.iterdir())]


async def _run(*command: str, stdin: bytes) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        out, _ = await process.communicate(stdin)
    assert process.returncode == 0, command
    return out

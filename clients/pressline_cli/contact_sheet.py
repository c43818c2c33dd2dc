"""The contact sheet: one picture that shows many files at a glance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

from pressline_cli import captions
from pressline_cli.thumbnails import thumbnail

NAME = "contact-sheet.png"
MOST = 100
THREADS = 4
MARGIN, GAP, CAPTION, HEADER = 56, 28, 34, 96
_BACKGROUND, _INK, _SOFT, _EDGE = "#eef0f3", "#17212f", "#5d6775", "#d3d8df"
_SHADOW = (23, 33, 47, 70)


def write_contact_sheet(folder: Path, files: Sequence[str], title: str) -> Path:
    """Draw `contact-sheet.png` of files in a folder, at most 100 of them, a few open at a time.

    Raises:
        ThumbnailError: a file cannot be shown; the text says why.
    """
    shown = [folder / name for name in files[:MOST]]
    # Cells follow the first file's proportions: the files of one template are nearly always alike.
    cell = thumbnail(shown[0], _box(len(shown))).size
    columns = math.ceil(math.sqrt(len(shown)))
    sheet = _blank(columns, math.ceil(len(shown) / columns), cell)
    _draw_header(sheet, title, len(shown), len(files))
    with ThreadPoolExecutor(THREADS) as threads:
        pictures = threads.map(lambda path: thumbnail(path, cell), shown)
        for position, (path, picture) in enumerate(zip(shown, pictures, strict=True)):
            _place(sheet, picture, path.stem, cell, _corner(position, columns, cell))
    target = folder / NAME
    sheet.save(target, compress_level=4)
    return target


def _box(count: int) -> tuple[int, int]:
    """The largest thumbnail: generous for few, smaller for many."""
    edge = 300 if count > 25 else 420  # noqa: PLR2004 - a matter of taste
    return edge, edge


def _blank(columns: int, rows: int, cell: tuple[int, int]) -> Image.Image:
    width = 2 * MARGIN + columns * cell[0] + (columns - 1) * GAP
    height = HEADER + MARGIN + rows * (cell[1] + CAPTION) + (rows - 1) * GAP + MARGIN // 2
    return Image.new("RGB", (max(width, 640), height), _BACKGROUND)


def _corner(position: int, columns: int, cell: tuple[int, int]) -> tuple[int, int]:
    row, column = divmod(position, columns)
    return MARGIN + column * (cell[0] + GAP), HEADER + MARGIN // 2 + row * (cell[1] + CAPTION + GAP)


def _draw_header(sheet: Image.Image, title: str, shown: int, total: int) -> None:
    draw = ImageDraw.Draw(sheet)
    count = f"{total} files" if shown == total else f"the first {shown} of {total} files"
    count_runs = captions.fitted(count, 18, sheet.width)
    left = sheet.width - MARGIN - captions.total_width(count_runs)
    captions.draw_runs(draw, left, 56, count_runs, _SOFT)
    captions.draw_runs(draw, MARGIN, 54, captions.fitted(title, 30, left - 2 * MARGIN), _INK)
    draw.line((MARGIN, HEADER - 4, sheet.width - MARGIN, HEADER - 4), _EDGE, 2)


def _place(
    sheet: Image.Image, picture: Image.Image, caption: str, cell: tuple[int, int], corner: tuple[int, int]
) -> None:
    left = corner[0] + (cell[0] - picture.width) // 2
    top = corner[1] + (cell[1] - picture.height) // 2
    _cast_shadow(sheet, (left, top, left + picture.width, top + picture.height))
    sheet.paste(picture, (left, top))
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((left, top, left + picture.width - 1, top + picture.height - 1), outline=_EDGE)
    runs = captions.fitted(caption, 15, cell[0])
    start = corner[0] + (cell[0] - captions.total_width(runs)) / 2
    captions.draw_runs(draw, start, corner[1] + cell[1] + CAPTION // 2 + 2, runs, _SOFT)


def _cast_shadow(sheet: Image.Image, box: tuple[int, int, int, int]) -> None:
    spread = 10
    area = (box[0] - spread, box[1] - spread, box[2] + spread, box[3] + spread + 4)
    mask = Image.new("L", (area[2] - area[0], area[3] - area[1]))
    ImageDraw.Draw(mask).rectangle((spread, spread + 4, mask.width - spread, mask.height - spread), fill=_SHADOW[3])
    sheet.paste(_SHADOW[:3], area, mask.filter(ImageFilter.GaussianBlur(5)))

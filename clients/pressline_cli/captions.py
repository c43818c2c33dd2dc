"""Text under pictures in any script: runs of letters, each in a font that has them, found through fontconfig."""

from __future__ import annotations

import shutil
import subprocess
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from PIL import ImageDraw, ImageFont

LOOKUP_SECONDS = 5
# Latin, Greek and Cyrillic, their extensions, and general punctuation: what every sans serif font has.
_COMMON = (range(0x0530), range(0x1E00, 0x2070))
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True)
class Run:
    """Text in one font."""

    text: str
    font: Font

    @property
    def width(self) -> float:
        """In pixels."""
        return self.font.getlength(self.text)


def fitted(text: str, size: int, width: float) -> list[Run]:
    """The text as runs, shortened with an ellipsis to so many pixels."""
    text = "".join(char for char in text if _drawable(char)).strip()
    runs = _runs(text, size)
    while text and total_width(runs) > width:
        text = text[:-1].rstrip()
        runs = _runs(f"{text}…", size)
    return runs


def total_width(runs: list[Run]) -> float:
    """In pixels."""
    return sum(run.width for run in runs)


def draw_runs(draw: ImageDraw.ImageDraw, left: float, middle: float, runs: list[Run], colour: str) -> None:
    """Draw runs one after the other, from their left edge, around a vertical middle."""
    for run in runs:
        draw.text((left, middle), run.text, colour, run.font, anchor="lm")
        left += run.width


def _runs(text: str, size: int) -> list[Run]:
    common = True
    tagged = []
    for char in text:
        # Spaces, digits and marks belong to the script that they stand in.
        if char.isalpha():
            common = _is_common(char)
        elif char.isdigit() and _is_common(char):
            common = True
        tagged.append((common, char))
    grouped = groupby(tagged, key=lambda pair: pair[0])
    parts = [(kind, "".join(char for _, char in pairs)) for kind, pairs in grouped]
    return [Run(part, _font("" if kind else part.strip(), size)) for kind, part in parts]


def _is_common(char: str) -> bool:
    return any(ord(char) in block for block in _COMMON)


def _font(letters: str, size: int) -> Font:
    found = _font_file(frozenset(char for char in letters if not char.isspace()))
    return _loaded(*found, size) if found else ImageFont.load_default(size)


@lru_cache(maxsize=64)
def _loaded(file: str, index: int, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(file, size, index=index)


@lru_cache(maxsize=512)
def _font_file(letters: frozenset[str]) -> tuple[str, int] | None:
    program = shutil.which("fc-match")
    if program is None:
        return None
    wanted = "Noto Sans" + (":charset=" + " ".join(f"{ord(char):x}" for char in sorted(letters)) if letters else "")
    command = [program, "--format=%{index}|%{file}", wanted]
    try:
        answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=LOOKUP_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return None
    index, _, file = answer.stdout.partition("|")
    # The upper half of the number names a variation, which this use has none of.
    return (file, int(index) & 0xFFFF) if file else None


def _drawable(char: str) -> bool:
    # Colour fonts come in one size only, so pictographs are left out.
    return unicodedata.category(char) not in {"So", "Sk", "Cs", "Co", "Cn"} and char != "\ufe0f"

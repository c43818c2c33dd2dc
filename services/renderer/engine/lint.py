"""What a template's author may not have meant, found on a page after it was captured: it never changes the file.

A warning is a code that stays the same, and a sentence with the place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import structlog

from services.renderer.engine.blank import has_one_colour
from services.renderer.engine.model import Document, Rendered
from services.renderer.engine.options import Image, Pdf
from services.renderer.engine.tab import ProtocolError, Tab

SECONDS = 5.0
MOST_OF_A_CODE = 5
MOST_CHARACTERS = 300
MAX_KNOWN = 200_000
log = structlog.get_logger()


# Kana, the common Chinese characters, and Hangul.
_ALIKE = (("\u3041", "\u30ff"), ("\u4e00", "\u9fef"), ("\uac00", "\ud7a3"))


class Code(StrEnum):
    """What a warning is about. Values are public."""

    SUBRESOURCE_FAILED = "SUBRESOURCE_FAILED"
    MISSING_GLYPH = "MISSING_GLYPH"
    CONSOLE_ERROR = "CONSOLE_ERROR"
    TEXT_CLIPPED = "TEXT_CLIPPED"
    BLANK_PAGE = "BLANK_PAGE"
    EMPTY_VARIABLE = "EMPTY_VARIABLE"


@dataclass(frozen=True)
class Warnings:
    """Sentences by code, in the order of the codes."""

    found: dict[Code, list[str]]

    def __iter__(self) -> Iterator[str]:
        for code, sentences in self.found.items():
            for sentence in list(dict.fromkeys(sentences))[:MOST_OF_A_CODE]:
                yield shortened(f"{code}: {sentence}")


def shortened(warning: str) -> str:
    """A warning of bounded length, on one line."""
    line = " ".join(warning.split())
    return line if len(line) <= MOST_CHARACTERS else line[: MOST_CHARACTERS - 1] + "…"


async def said(tab: Tab, document: Document) -> str:
    """The errors of a page's scripts, as the page keeps them."""
    return str(await tab.evaluate("globalThis.presslinePage?.errors()") or "") if document.scripted else ""


def before_capture(document: Document, errors: str) -> tuple[str, ...]:
    """What is odd about a page that failed before it could be looked at.

    Args:
        document: what it showed.
        errors: of its scripts, as it keeps them.
    """
    return tuple(Warnings({Code.CONSOLE_ERROR: [*_errors(errors)], Code.EMPTY_VARIABLE: [*document.empty]}))


class Linter:
    """Looks at pages. It knows which characters are drawn on this machine, and asks once for each."""

    def __init__(self) -> None:
        self._drawn: set[str] = set()

    async def look(
        self, tab: Tab, document: Document, wanted: Image | Pdf, rendered: Rendered, found: dict[str, Any] | None
    ) -> tuple[str, ...]:
        """What is odd about a page that was captured; nothing when it does not answer in time.

        Args:
            tab: where it is.
            document: what it shows.
            wanted: what it was captured as.
            rendered: the file.
            found: what it answered to its `question` already; None where it has to be asked.
        """
        try:
            async with asyncio.timeout(SECONDS):
                return tuple(await self._look(tab, document, wanted, rendered, found))
        except (ProtocolError, TimeoutError) as error:
            log.warning("lint.failed", error=str(error))
            return ()

    async def _look(
        self, tab: Tab, document: Document, wanted: Image | Pdf, rendered: Rendered, found: dict[str, Any] | None
    ) -> Warnings:
        page = found or await tab.ask("lint", question(document, wanted))
        errors = await said(tab, document)
        missing = await self._missing(tab, page["characters"])
        is_blank = await has_one_colour(rendered) if isinstance(wanted, Image) else page["empty"]
        # Why a request was refused has been told, better than the page knows.
        images = [each for each in page["images"] if each["address"] not in tab.requests.refused]
        fonts = [] if "Font" in tab.requests.refused.values() else page["fonts"]
        return Warnings(
            {
                Code.SUBRESOURCE_FAILED: [*map(_image, images), *map(_font, fonts)],
                Code.MISSING_GLYPH: [*map(_glyph, missing)],
                Code.CONSOLE_ERROR: [*_errors(errors)],
                Code.TEXT_CLIPPED: [*map(_clipped, page["clipped"])],
                Code.BLANK_PAGE: [_blank(wanted)] if is_blank else [],
                Code.EMPTY_VARIABLE: [*document.empty],
            }
        )

    async def _missing(self, tab: Tab, characters: str) -> list[dict[str, str]]:
        samples = {_sample(each): each for each in characters}
        unknown = "".join(each for sample, each in samples.items() if sample not in self._drawn)
        if not unknown:
            return []
        answer = await tab.ask("glyphs", {"characters": unknown, "most": MOST_OF_A_CODE})
        if len(self._drawn) < MAX_KNOWN:
            self._drawn.update(map(_sample, answer["known"]))
        found: list[dict[str, str]] = answer["missing"]
        return found


def _sample(character: str) -> str:
    """The first character of its kind, where fonts have all of a kind or none."""
    return next((first for first, last in _ALIKE if first <= character <= last), character)


def question(document: Document, wanted: Image | Pdf) -> dict[str, Any]:
    """What a page is asked about what it shows."""
    boxes = document.may_hide_text
    if isinstance(wanted, Pdf):
        return {"selector": "", "edges": None, "boxes": boxes}
    return {"selector": wanted.selector, "edges": {"tall": wanted.full_page}, "boxes": boxes}


def _image(found: dict[str, str]) -> str:
    address = found["address"]
    shown = address if len(address) <= 100 else f"{address[:60]}…"  # noqa: PLR2004 - for people
    return f"The image {shown} cannot be shown ({found['place']})."


def _font(family: str) -> str:
    return f"A font file of {family} cannot be used."


def _glyph(found: dict[str, str]) -> str:
    character = found["character"]
    shown = f'"{character}" ' if character.isprintable() else ""
    return f"No font has {shown}U+{ord(character):04X}, as in {found['place']}: a box or nothing is drawn for it."


def _errors(kept: str) -> Iterator[str]:
    parts = kept.split("\0")
    for line, text in zip(parts[::2], parts[1::2], strict=False):
        yield f"{text} (line {line})" if line != "0" else text


def _clipped(found: dict[str, str]) -> str:
    if not found["place"]:
        return f'"{found["text"]}" is cut off by the edge of the image.'
    return f'"{found["text"]}" does not fit into its box ({found["place"]}).'


def _blank(wanted: Image | Pdf) -> str:
    return "The image has one colour all over." if isinstance(wanted, Image) else "The document shows nothing."

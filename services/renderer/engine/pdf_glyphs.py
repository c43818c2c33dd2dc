"""Which characters of a PDF of Chromium's are shown as the box that stands for a missing glyph."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pikepdf
from pikepdf import Dictionary, Name, Object, Pdf, Stream, String

# Glyph 0 in a string of glyphs. Most contents have none, and are not read any further.
_PERHAPS = re.compile(rb"<(?:[0-9A-Fa-f]{4})*?0000")
_MISSING = b"\0\0"


def missing(document: Pdf) -> set[str]:
    """The characters that no font has; an empty one stands for those that are not named."""
    return {character for contents in _contents(document) for character in _missing(contents)}


def _contents(document: Pdf) -> Iterator[Object | pikepdf.Page]:
    yield from document.pages
    for thing in document.objects:
        if isinstance(thing, Stream) and (thing.get(Name.Subtype) == Name.Form or Name.PatternType in thing):
            yield thing


def _missing(contents: Object | pikepdf.Page) -> Iterator[str]:
    source = contents.get(Name.Contents) if isinstance(contents, pikepdf.Page) else contents
    if not isinstance(source, Stream) or not _PERHAPS.search(source.read_bytes()):
        return
    fonts = contents.get(Name.Resources, Dictionary()).get(Name.Font, Dictionary())
    two_bytes, text = False, ""
    for instruction in pikepdf.parse_content_stream(contents):
        operands: Any = instruction.operands
        match str(instruction.operator):
            case "Tf":
                two_bytes = fonts[str(operands[0])].Subtype == Name.Type0
            case "BDC":
                text = str(operands[1].get(Name.ActualText, "")) if isinstance(operands[1], Dictionary) else ""
            case "EMC":
                text = ""
            case "Tj" | "TJ" if two_bytes and _shows_missing(operands[0]):
                yield text


def _shows_missing(shown: Object) -> bool:
    strings = [shown] if isinstance(shown, String) else [part for part in shown if isinstance(part, String)]
    glyphs = (bytes(each)[start : start + 2] for each in strings for start in range(0, len(bytes(each)), 2))
    return _MISSING in glyphs

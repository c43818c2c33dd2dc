"""The number of pages of a PDF as Chromium writes it."""

from __future__ import annotations

import re

_STARTXREF = re.compile(rb"startxref\s+(\d+)\s+%%EOF\s*$")
_ROOT = re.compile(rb"/Root (\d+) 0 R")
_PAGES = re.compile(rb"/Pages (\d+) 0 R")
_COUNT = re.compile(rb"/Count (\d+)")
_TAIL_BYTES = 1024


def page_count(data: bytes) -> int:
    """Count the pages by following trailer → catalogue → page tree, so that no text in the document can mislead.

    Raises:
        ValueError: the bytes are no PDF with a plain cross-reference table.
    """
    table = int(_find(_STARTXREF, data[-_TAIL_BYTES:]))
    trailer = data.find(b"trailer", table)
    root = _find(_ROOT, data[trailer:])
    pages = _find(_PAGES, _object(data, table, int(root)))
    return int(_find(_COUNT, _object(data, table, int(pages))))


def _object(data: bytes, table: int, number: int) -> bytes:
    # "xref\n0 <count>\n", then lines of 20 bytes: a ten-digit offset first.
    entries = data.index(b"\n", data.index(b"\n", table) + 1) + 1
    offset = int(data[entries + 20 * number : entries + 20 * number + 10])
    return data[offset : data.index(b"endobj", offset)]


def _find(pattern: re.Pattern[bytes], data: bytes) -> bytes:
    match = pattern.search(data)
    if match is None:
        raise ValueError(f"no {pattern.pattern!r} in the PDF")
    return match[1]

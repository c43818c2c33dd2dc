"""The number of pages and the dates of a PDF as Chromium writes it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_STARTXREF = re.compile(rb"startxref\s+(\d+)\s+%%EOF\s*$")
_INFO = re.compile(rb"/Info (\d+) 0 R")
_DATES = re.compile(rb"/(CreationDate|ModDate) \(D:\d{14}\+00'00'\)")
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


def dated(data: bytes, clock_ms: int | None) -> bytes:
    """Set the dates of a PDF, or take them out, without moving any byte of it.

    Args:
        data: the PDF.
        clock_ms: milliseconds since 1970; None takes the dates out.

    Raises:
        ValueError: the bytes are no PDF with a plain cross-reference table.
    """
    table = int(_find(_STARTXREF, data[-_TAIL_BYTES:]))
    start, end = _place(data, table, int(_find(_INFO, data[data.find(b"trailer", table) :])))

    def date(match: re.Match[bytes]) -> bytes:
        if clock_ms is None:
            return b" " * len(match[0])
        moment = datetime.fromtimestamp(clock_ms // 1000, UTC)
        return b"/%b (D:%b+00'00')" % (match[1], moment.strftime("%Y%m%d%H%M%S").encode())

    return data[:start] + _DATES.sub(date, data[start:end]) + data[end:]


def _object(data: bytes, table: int, number: int) -> bytes:
    start, end = _place(data, table, number)
    return data[start:end]


def _place(data: bytes, table: int, number: int) -> tuple[int, int]:
    # "xref\n0 <count>\n", then lines of 20 bytes: a ten-digit offset first.
    entries = data.index(b"\n", data.index(b"\n", table) + 1) + 1
    offset = int(data[entries + 20 * number : entries + 20 * number + 10])
    return offset, data.index(b"endobj", offset)


def _find(pattern: re.Pattern[bytes], data: bytes) -> bytes:
    match = pattern.search(data)
    if match is None:
        raise ValueError(f"no {pattern.pattern!r} in the PDF")
    return match[1]

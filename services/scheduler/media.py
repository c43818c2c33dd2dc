"""What an uploaded file is, by its bytes: what it was declared as or is called does not count. Pure."""

from __future__ import annotations

import re

FONTS = {
    b"wOF2": "font/woff2",
    b"wOFF": "font/woff",
    b"OTTO": "font/otf",
    b"\x00\x01\x00\x00": "font/ttf",
    b"true": "font/ttf",
}
_STARTS = FONTS | {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
_AVIF_BRANDS = {b"avif", b"avis"}
_SVG_PROLOGUE_BYTES = 64 * 1024
# An XML declaration, comments, processing instructions and a document type may come before the root. Possessive
# throughout: what has matched is never tried another way.
_SVG = re.compile(
    rb"(?:\xef\xbb\xbf)?+(?>\s++|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*+(?:\[.*?\])?+\s*+>)*+"
    rb"<(?:[A-Za-z_][\w.-]*+:)?+svg[\s/>]",
    re.DOTALL,
)


def content_type(data: bytes) -> str | None:
    """The media type of an image or font that browsers show; None for anything else."""
    for start, found in _STARTS.items():
        if data.startswith(start):
            return found
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    if _is_avif(data):
        return "image/avif"
    return "image/svg+xml" if _SVG.match(data[:_SVG_PROLOGUE_BYTES]) else None


def _is_avif(data: bytes) -> bool:
    """An ISO media file whose first box lists AVIF among its brands."""
    if data[4:8] != b"ftyp":
        return False
    brands = data[8 : min(int.from_bytes(data[:4], "big"), 256)]
    return any(brands[start : start + 4] in _AVIF_BRANDS for start in range(0, len(brands), 4))

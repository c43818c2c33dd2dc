"""The tables of a font file, whatever it is packed in. Pure; what is unpacked is bounded."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import brotli

MAX_TABLES = 256
# The largest fonts with every Han character have about half of it.
MAX_UNPACKED_BYTES = 48_000_000
_CHUNK_BYTES = 1 << 20
# WOFF 2.0 numbers the tags that it knows; others are written out.
_TAGS = (  # noqa: SIM905 - sixty lines otherwise
    "cmap head hhea hmtx maxp name OS/2 post cvt_ fpgm glyf loca prep CFF_ VORG EBDT EBLC gasp hdmx kern LTSH PCLT "
    "VDMX vhea vmtx BASE GDEF GPOS GSUB EBSC JSTF MATH CBDT CBLC COLR CPAL SVG_ sbix acnt avar bdat bloc bsln cvar "
    "fdsc feat fmtx fvar gvar hsty just lcar mort morx opbd prop trak Zapf Silf Glat Gloc Feat Sill"
).split()
_WRITTEN_OUT = 63
_TRANSFORMED_UNLESS = {"glyf": 3, "loca": 3}


class FontError(ValueError):
    """The file is no font that browsers read; the text is for its owner, beginning with a verb."""


def tables(data: bytes, wanted: frozenset[str]) -> dict[str, bytes]:
    """Some tables of a TrueType, OpenType, WOFF or WOFF2 font, by tag; those that it has.

    Raises:
        FontError: the file is broken, or unpacks to more than anyone needs.
    """
    try:
        if data.startswith(b"wOF2"):
            return _woff2(data, wanted)
        return _woff(data, wanted) if data.startswith(b"wOFF") else _sfnt(data, wanted)
    except (struct.error, IndexError, zlib.error, brotli.error) as error:
        raise FontError("is a damaged font file") from error


def _sfnt(data: bytes, wanted: frozenset[str]) -> dict[str, bytes]:
    found = {}
    for at in range(12, 12 + 16 * _count(data, 4), 16):
        tag, _, offset, length = struct.unpack_from(">4sIII", data, at)
        if (name := tag.decode("latin-1")) in wanted:
            found[name] = _slice(data, offset, length)
    return found


def _woff(data: bytes, wanted: frozenset[str]) -> dict[str, bytes]:
    found = {}
    for at in range(44, 44 + 20 * _count(data, 12), 20):
        tag, offset, packed, length, _ = struct.unpack_from(">4sIIII", data, at)
        if (name := tag.decode("latin-1")) in wanted:
            _refuse_beyond(length)
            content = _slice(data, offset, packed)
            found[name] = zlib.decompressobj().decompress(content, length) if packed < length else content
    return found


@dataclass(frozen=True)
class _Entry:
    tag: str
    length: int


def _woff2(data: bytes, wanted: frozenset[str]) -> dict[str, bytes]:
    if data[4:8] == b"ttcf":
        raise FontError("is a collection of fonts; upload each font as a file of its own")
    entries, start = _woff2_directory(data)
    _refuse_beyond(sum(entry.length for entry in entries))
    stream = _unpacked(_slice(data, start, struct.unpack_from(">I", data, 20)[0]))
    left = sum(entry.tag in wanted for entry in entries)
    found: dict[str, bytes] = {}
    held = bytearray()
    for entry in entries:
        if not left:
            break
        while len(held) < entry.length:
            held += next(stream, b"") or _damaged()
        if entry.tag in wanted:
            found[entry.tag] = bytes(held[: entry.length])
            left -= 1
        del held[: entry.length]
    return found


def _woff2_directory(data: bytes) -> tuple[list[_Entry], int]:
    entries, at = [], 48
    for _ in range(_count(data, 12)):
        flags, at = data[at], at + 1
        if flags & 63 == _WRITTEN_OUT:
            tag, at = _slice(data, at, 4).decode("latin-1"), at + 4
        else:
            tag = _TAGS[flags & 63].replace("_", " ")
        length, at = _base128(data, at)
        transform = flags >> 6
        if transform != _TRANSFORMED_UNLESS.get(tag, 0):
            length, at = _base128(data, at)
        entries.append(_Entry(tag, length))
    return entries, at


def _base128(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(at, at + 5):
        value = value << 7 | data[place] & 127
        if not data[place] & 128:
            return value, place + 1
    raise FontError("is a damaged font file")


def _unpacked(data: bytes) -> Iterator[bytes]:
    decompressor = brotli.Decompressor()
    while not decompressor.is_finished():
        chunk = decompressor.process(data, output_buffer_limit=_CHUNK_BYTES)
        if not chunk and decompressor.can_accept_more_data():
            return
        data = b""
        yield chunk


def _count(data: bytes, at: int) -> int:
    (count,) = struct.unpack_from(">H", data, at)
    if count > MAX_TABLES:
        raise FontError(f"has more than {MAX_TABLES} tables")
    return int(count)


def _slice(data: bytes, offset: int, length: int) -> bytes:
    if offset + length > len(data):
        _damaged()
    return data[offset : offset + length]


def _refuse_beyond(length: int) -> None:
    if length > MAX_UNPACKED_BYTES:
        raise FontError(f"unpacks to more than {MAX_UNPACKED_BYTES // 1_000_000} MB")


def _damaged() -> bytes:
    raise FontError("is a damaged font file")

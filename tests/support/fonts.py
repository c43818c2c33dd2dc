"""Fonts made for a test: the letter A is a black box as large as the font, and nothing else is there."""

from __future__ import annotations

import struct
import zlib

import brotli

EM = 1000
_KNOWN = {
    "cmap": 0,
    "head": 1,
    "hhea": 2,
    "hmtx": 3,
    "maxp": 4,
    "name": 5,
    "OS/2": 6,
    "post": 7,
    "glyf": 10,
    "loca": 11,
}


def truetype(
    family: str,
    *,
    weight: int = 400,
    italic: bool = False,
    weights: tuple[int, int] | None = None,
    tall: bool = True,
    letter: str = "A",
) -> bytes:
    """A TrueType font. With `weights` it says that it is variable; with `tall` false the box has half its height."""
    tables = _tables(family, weight, italic, weights, EM if tall else EM // 2) | {"cmap": _cmap(ord(letter))}
    offset = 12 + 16 * len(tables)
    directory, content = struct.pack(">IHHHH", 0x00010000, len(tables), 128, 3, 16 * len(tables) - 128), b""
    for tag, table in sorted(tables.items()):
        directory += struct.pack(">4sIII", tag.encode(), _checksum(table), offset + len(content), len(table))
        content += _padded(table)
    return directory + content


def woff(family: str) -> bytes:
    """The same as WOFF."""
    tables = _tables(family, 400, False, None, EM)
    offset = 44 + 20 * len(tables)
    directory, content = b"", b""
    for tag, table in sorted(tables.items()):
        packed = table if tag == "head" else min(zlib.compress(table), table, key=len)
        place = (offset + len(content), len(packed), len(table), _checksum(table))
        directory += struct.pack(">4sIIII", tag.encode(), *place)
        content += _padded(packed)
    plain = len(truetype(family))
    head = struct.pack(
        ">4sIIHHIHHIIIII", b"wOFF", 0x00010000, offset + len(content), len(tables), 0, plain, 1, 0, *[0] * 5
    )
    return head + directory + content


def woff2(family: str) -> bytes:
    """The same as WOFF2, its outlines as they are."""
    tables = _tables(family, 400, False, None, EM)
    directory, content = b"", b""
    for tag, table in sorted(tables.items(), key=lambda pair: (pair[0] == "loca", pair[0] != "glyf", pair[0])):
        untransformed = 3 << 6 if tag in {"glyf", "loca"} else 0
        directory += bytes([_KNOWN[tag] | untransformed]) + _base128(len(table))
        content += table
    packed = brotli.compress(content)
    size = 48 + len(directory) + len(packed)
    padding = b"\0" * (-size % 4)
    head = struct.pack(
        ">4sIIHHIIHHIIIII",
        b"wOF2", 0x00010000, size + len(padding), len(tables), 0, len(truetype(family)), len(packed), 1, 0, *[0] * 5,
    )  # fmt: skip
    return bytes(head + directory + packed + padding)


def _tables(family: str, weight: int, italic: bool, weights: tuple[int, int] | None, height: int) -> dict[str, bytes]:
    box = struct.pack(">hhhhhHH", 1, 0, 0, EM, height, 3, 0) + bytes([1, 1, 1, 1])
    box += struct.pack(">4h", 0, 0, EM, 0) + struct.pack(">4h", 0, height, 0, -height)
    glyf = _padded(box)
    head = struct.pack(">IIIIHHqqhhhhHHhhh", 0x10000, 0x10000, 0, 0x5F0F3CF5, 0, EM, 0, 0, 0, 0, EM, EM, 0, 8, 2, 1, 0)
    hhea = struct.pack(">IhhhHhhhhhhhhhhhH", 0x10000, EM, 0, 0, EM, 0, 0, EM, 1, 0, 0, 0, 0, 0, 0, 0, 2)
    os2 = struct.pack(">HhHHH11h10s4I4sHHHhhhHH2IhhHHH", 4, EM, weight, 5, 0, *[0] * 11, bytes(10), 0, 0, 0, 0, b"TEST",
                      1 if italic else 64, 65, 65, EM, 0, 0, EM, 0, 0, 0, 0, 0, 0, 65, 0)  # fmt: skip
    tables = {
        "OS/2": os2,
        "cmap": _cmap(65),
        "glyf": glyf,
        "head": head,
        "hhea": hhea,
        "hmtx": struct.pack(">4H", EM, 0, EM, 0),
        "loca": struct.pack(">3I", 0, 0, len(glyf)),
        "maxp": struct.pack(">I14H", 0x10000, 2, 4, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0),
        "name": _name(family),
        "post": struct.pack(">IIhhIIIII", 0x30000, 0, 0, 0, 0, 0, 0, 0, 0),
    }
    if weights:
        axis = struct.pack(">4siiiHH", b"wght", weights[0] << 16, weight << 16, weights[1] << 16, 0, 1)
        tables["fvar"] = struct.pack(">HHHHHHHH", 1, 0, 16, 2, 1, 20, 0, 8) + axis
    return tables


def _cmap(code: int) -> bytes:
    cmap = struct.pack(">HHHHI", 0, 1, 3, 1, 12)
    cmap += struct.pack(">14H", 4, 32, 0, 4, 4, 1, 0, code, 0xFFFF, 0, code, 0xFFFF, (1 - code) % 65536, 1)
    return cmap + struct.pack(">2H", 0, 0)


def _name(family: str) -> bytes:
    texts = {1: f"{family} Old", 2: "Regular", 4: family, 6: family.replace(" ", ""), 16: family}
    records, stored = b"", b""
    for kind, text in texts.items():
        encoded = text.encode("utf-16-be")
        records += struct.pack(">6H", 3, 1, 0x409, kind, len(encoded), len(stored))
        stored += encoded
    return struct.pack(">3H", 0, len(texts), 6 + len(records)) + records + stored


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def _checksum(table: bytes) -> int:
    words = _padded(table)
    return int(sum(struct.unpack(f">{len(words) // 4}I", words))) % 2**32


def _base128(value: int) -> bytes:
    groups = [value & 127]
    while value := value >> 7:
        groups.append(value & 127 | 128)
    return bytes(reversed(groups))

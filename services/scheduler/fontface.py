"""What a font calls itself: family, weight and style, as CSS selects them. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from pressline.asset.v1.asset_pb2 import FontFace
from services.scheduler.fonttables import FontError, tables

_WANTED = frozenset({"name", "OS/2", "fvar"})
_TYPOGRAPHIC_FAMILY, _FAMILY = 16, 1
_WINDOWS, _MACINTOSH, _ENGLISH = 3, 1, 0x409
_ITALIC = 1 | 1 << 9
_NORMAL_WEIGHT, _HEAVIEST = 400, 1000
_MAX_NAME_RECORDS = 4096


def read(data: bytes) -> FontFace:
    """How CSS selects a font.

    Raises:
        FontError: the file is broken, or has no name.
    """
    found = tables(data, _WANTED)
    if "name" not in found:
        raise FontError("is a font without a name")
    try:
        weight, italic = _class(found.get("OS/2", b""))
        lightest, heaviest = _weight_axis(found.get("fvar", b"")) or (weight, weight)
        return FontFace(family=_family(found["name"]), min_weight=lightest, max_weight=heaviest, italic=italic)
    except struct.error as error:
        raise FontError("is a damaged font file") from error


def _class(table: bytes) -> tuple[int, bool]:
    if not table:
        return _NORMAL_WEIGHT, False
    (weight,) = struct.unpack_from(">H", table, 4)
    (selection,) = struct.unpack_from(">H", table, 62)
    return _css_weight(weight), bool(selection & _ITALIC)


def _weight_axis(table: bytes) -> tuple[int, int] | None:
    if not table:
        return None
    start, _, count, size = struct.unpack_from(">HHHH", table, 4)
    for axis in range(min(count, 64)):
        tag, lightest, _, heaviest = struct.unpack_from(">4siii", table, start + axis * size)
        if tag == b"wght":
            # 16.16 fixed point.
            return _css_weight(lightest >> 16), _css_weight(heaviest >> 16)
    return None


def _css_weight(value: int) -> int:
    return min(max(value, 1), _HEAVIEST)


def _family(table: bytes) -> str:
    """The family that all weights share where the font tells it, in English where there is a choice."""
    named = sorted(_names(table))
    family = next((text for _, text in named if text), "")
    # CSS cannot hold these in a name.
    family = "".join(character for character in family if character.isprintable()).strip()
    if not family:
        raise FontError("is a font without a name")
    return family


def _names(table: bytes) -> Iterator[tuple[tuple[bool, bool, bool], str]]:
    """Family names with their rank, the best one smallest."""
    count, start = struct.unpack_from(">HH", table, 2)
    for record in range(min(count, _MAX_NAME_RECORDS)):
        platform, _, language, kind, length, offset = struct.unpack_from(">6H", table, 6 + 12 * record)
        if kind not in {_TYPOGRAPHIC_FAMILY, _FAMILY}:
            continue
        encoding = "mac_roman" if platform == _MACINTOSH else "utf-16-be"
        # A name in another encoding than it should have is no name; there may be others.
        text = table[start + offset : start + offset + length].decode(encoding, "ignore")
        rank = (kind != _TYPOGRAPHIC_FAMILY, platform != _WINDOWS, language != _ENGLISH)
        yield rank, text

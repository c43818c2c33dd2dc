"""The sRGB colour space as an ICC profile, version 4. Pure."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import cache

# The colours of the primaries and of white, adapted to the D50 white that profiles are written for.
_D50 = (0.9642, 1.0, 0.8249)
_RED = (0.43607, 0.22249, 0.01392)
_GREEN = (0.38515, 0.71687, 0.09708)
_BLUE = (0.14307, 0.06061, 0.71410)
# IEC 61966-2-1: ((x + 0.055) / 1.055) ** 2.4 from 0.04045 on, x / 12.92 below.
_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
# From D65 to D50, after Bradford.
_ADAPTATION = (1.04788, 0.02292, -0.05022, 0.02959, 0.99048, -0.01707, -0.00925, 0.01508, 0.75168)
_HEADER_BYTES = 128
_VERSION = 0x04200000
# A profile has a date, and the same profile always the same: that of the standard.
_DATE = (1999, 10, 18, 0, 0, 0)


@cache
def profile() -> bytes:
    """The profile's bytes, always the same."""
    curve = b"para" + struct.pack(">4xHxx", 3) + _fixed(_CURVE)
    return _written(
        {
            b"desc": _text("sRGB"),
            b"cprt": _text("No copyright, use freely"),
            b"wtpt": _xyz(_D50),
            b"chad": b"sf32" + bytes(4) + _fixed(_ADAPTATION),
            b"rXYZ": _xyz(_RED),
            b"gXYZ": _xyz(_GREEN),
            b"bXYZ": _xyz(_BLUE),
            b"rTRC": curve,
            b"gTRC": curve,
            b"bTRC": curve,
        }
    )


def _written(tags: Mapping[bytes, bytes]) -> bytes:
    """Header, table of tags, their values; tags with the same value share it."""
    start = _HEADER_BYTES + 4 + 12 * len(tags)
    table, values, places = b"", b"", dict[bytes, int]()
    for name, value in tags.items():
        if value not in places:
            places[value] = start + len(values)
            values += value + bytes(-len(value) % 4)
        table += name + struct.pack(">II", places[value], len(value))
    return _header(start + len(values)) + struct.pack(">I", len(tags)) + table + values


def _header(size: int) -> bytes:
    signature = b"mntr" + b"RGB " + b"XYZ "
    parts = struct.pack(">I4xI", size, _VERSION), signature, struct.pack(">6H", *_DATE), b"acsp"
    # Platform, flags, maker, model, attributes and intent are left open.
    return (b"".join(parts) + bytes(28) + _fixed(_D50)).ljust(_HEADER_BYTES, b"\0")


def _fixed(numbers: Sequence[float]) -> bytes:
    return b"".join(struct.pack(">i", round(number * 65536)) for number in numbers)


def _xyz(colour: Sequence[float]) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(colour)


def _text(text: str) -> bytes:
    return b"mluc" + struct.pack(">4xII2s2sII", 1, 12, b"en", b"US", 2 * len(text), 28) + text.encode("utf-16-be")

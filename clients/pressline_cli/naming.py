"""File names from a pattern and a row: safe on every system, never outside the folder, never twice the same."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from pressline_cli.refusal import RefusalError

LONGEST_BYTES = 200  # most file systems allow 255; room is left for -2, -3 and the extension
_PLACEHOLDER = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
_UNSAFE = re.compile(r'[<>:"/\\|?*]+')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
# Invisible marks that turn the direction of text around, and so let a name read as another.
_BIDI = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
_JOINERS = ("\u200c", "\u200d")
_OWN_FILES = ("manifest.json", "contact-sheet.png")


class Namer:
    """Gives each row its file name, in order.

    Args:
        pattern: with `{{column}}` and `{{row}}`; dots reach into nested objects. None numbers the files.
        extension: without its dot; appended where the pattern does not end with it.
        total: how many rows there are, for the zeros before row numbers.
    """

    def __init__(self, pattern: str | None, extension: str, total: int) -> None:
        self._pattern = (pattern or "{{row}}").strip()
        self._extension = f".{extension}"
        self._digits = len(str(total))
        self._taken = {_key(name) for name in _OWN_FILES}

    def name(self, index: int, data: dict[str, Any]) -> str:
        """The file name of the row at `index`, counted from 0.

        Raises:
            RefusalError: the row has no such column.
        """
        filled = _PLACEHOLDER.sub(lambda match: self._value(match[1], index, data), self._pattern)
        if filled.lower().endswith(self._extension):
            filled = filled[: -len(self._extension)]
        stem = safe_stem(filled) or self._number(index)
        return self._unique(stem)

    def _value(self, path: str, index: int, data: dict[str, Any]) -> str:
        if path == "row" and "row" not in data:
            return self._number(index)
        value: Any = data
        for part in path.split("."):
            if not isinstance(value, dict) or part not in value:
                known = ", ".join(list(data)[:20])
                raise RefusalError(f"--name: row {index + 1} has no {path!r}; it has {known}.")
            value = value[part]
        return "" if value is None else str(value)

    def _number(self, index: int) -> str:
        return str(index + 1).zfill(self._digits)

    def _unique(self, stem: str) -> str:
        candidate, count = f"{stem}{self._extension}", 1
        while _key(candidate) in self._taken:
            count += 1
            candidate = f"{stem}-{count}{self._extension}"
        self._taken.add(_key(candidate))
        return candidate


def safe_stem(text: str) -> str:
    """The text as a file name without extension; empty when nothing of it can be kept."""
    text = unicodedata.normalize("NFC", text).translate(_BIDI)
    text = "".join(" " if c.isspace() else c for c in text if c.isspace() or _printable(c))
    text = re.sub(r"\s+", " ", _UNSAFE.sub("-", text))
    text = _cut(text.strip(" .")).strip(" .")
    return f"_{text}" if _RESERVED.fullmatch(text) else text


def _printable(char: str) -> bool:
    return char in _JOINERS or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn"}


def _cut(text: str) -> str:
    if len(text.encode()) <= LONGEST_BYTES:
        return text
    cut = text.encode()[:LONGEST_BYTES].decode(errors="ignore")
    # A letter whose marks did not fit would be another letter: drop the broken cluster.
    if unicodedata.combining(text[len(cut)]) or text[len(cut)] in _JOINERS:
        while cut and unicodedata.combining(cut[-1]):
            cut = cut[:-1]
        cut = cut[:-1]
    return cut.rstrip("".join(_JOINERS))


def _key(name: str) -> str:
    # Some file systems take names that differ in case only, or in composition only, for the same.
    return unicodedata.normalize("NFC", name.casefold())

"""Names of files in an archive: safe on every system, and no two alike. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from pressline.batch.v1 import batch_pb2

MANIFEST = "manifest.json"
MAX_BYTES = 200
# The first of a format's extensions is the one that is added.
_EXTENSIONS = {
    batch_pb2.FORMAT_PNG: (".png",),
    batch_pb2.FORMAT_JPEG: (".jpg", ".jpeg"),
    batch_pb2.FORMAT_WEBP: (".webp",),
    batch_pb2.FORMAT_PDF: (".pdf",),
}
# Separators, and what Windows does not take.
_UNSAFE = re.compile(r'[/\\<>:"|?*]')
# Control characters, marks that turn the direction of writing around, and what means nothing to anybody else.
_INVISIBLE = {"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"}
_JOINERS = ("\u200c", "\u200d")
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


class Names:
    """Gives names out, each once, whatever a system makes of upper and lower case.

    Args:
        total: items of the batch; decides how many digits a number has.
    """

    def __init__(self, total: int) -> None:
        self._digits = len(str(max(total - 1, 0)))
        self._taken = {MANIFEST}
        self._repeats: dict[str, int] = {}

    def of(self, index: int, filename: str, output: batch_pb2.Output) -> str:
        """The name of an item's file: as the caller wishes, else its index; with the layout and the extension."""
        stem, extension = _split(safe(filename) or f"{index:0{self._digits}d}", output.format)
        layout = f"-{output.layout}" if output.layout else ""
        return self._unique(stem, layout + extension)

    def _unique(self, stem: str, ending: str) -> str:
        name = _fitted(stem, ending)
        first = _key(name)
        while _key(name) in self._taken:
            self._repeats[first] = self._repeats.get(first, 1) + 1
            name = _fitted(stem, f"-{self._repeats[first]}{ending}")
        self._taken.add(_key(name))
        return name


def safe(wish: str) -> str:
    """A wished name without folders and without anything that some system does not take; may be empty."""
    visible = "".join(c for c in wish if c in _JOINERS or unicodedata.category(c) not in _INVISIBLE)
    name = _UNSAFE.sub("_", unicodedata.normalize("NFC", visible)).strip(". ")
    if not name.strip("._ "):
        return ""
    return f"_{name}" if _DEVICES.fullmatch(name) else name


def _split(name: str, format_: batch_pb2.Format.ValueType) -> tuple[str, str]:
    """A name before and from its extension on; one that is not the format's is no extension."""
    extensions: Iterable[str] = _EXTENSIONS[format_]
    for extension in extensions:
        if name.lower().endswith(extension) and len(name) > len(extension):
            return name[: -len(extension)], name[-len(extension) :]
    return name, next(iter(extensions))


def _fitted(stem: str, ending: str) -> str:
    room = MAX_BYTES - len(ending.encode())
    return stem.encode()[:room].decode(errors="ignore") + ending


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())

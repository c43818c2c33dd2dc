"""Data embedded in a source, put aside while it is filled: often most of the source, and nothing depends on it."""

from __future__ import annotations

import re
import secrets

from pressline.task.v1.task_pb2 import SourceDocument

# Fonts and pictures; what is shorter is not worth a mark.
_DATA = re.compile(r"[A-Za-z0-9+/=]{1000,}+")
_AHEAD = ";base64,"
# Nobody can have written it into a source or a row.
_MARK = f"data{secrets.token_hex(16)}"
_MARKED = re.compile(rf"{_MARK}(\d+)x")


class Aside:
    """The data of one source.

    Args:
        source: HTML, or Handlebars.
    """

    def __init__(self, source: SourceDocument) -> None:
        self._pieces: list[str] = []
        body, styles = self._without(source.body), self._without(source.styles)
        self.rest = source
        if self._pieces:
            self.rest = SourceDocument(
                id=f"{source.id} {_MARK}", kind=source.kind, body=body, styles=styles, tailwind=source.tailwind
            )

    def __bool__(self) -> bool:
        """Whether anything was put aside."""
        return bool(self._pieces)

    def length(self, text: str) -> int:
        """How many characters a text has with the data in it."""
        return len(text) + sum(len(self._pieces[int(mark[1])]) - len(mark[0]) for mark in _MARKED.finditer(text))

    def restored(self, text: str) -> str:
        """A text that came of the rest, with the data in it."""
        return _MARKED.sub(lambda mark: self._pieces[int(mark[1])], text)

    def _without(self, text: str) -> str:
        kept, at = [], 0
        # The last tag so far: where it begins, and where it ends; and how far tags have been looked for.
        begins, ends, looked = -1, -1, 0
        start = text.find(_AHEAD)
        while start >= 0:
            found = _DATA.match(text, start + len(_AHEAD))
            if found:
                begins = max(begins, text.rfind("{{", looked, start))
                ends = max(ends, text.rfind("}}", looked, start))
                looked = start
            # A helper is given what it was given before.
            if found and begins <= ends:
                kept += [text[at : found.start()], f"{_MARK}{len(self._pieces)}x"]
                self._pieces.append(found[0])
                at = found.end()
            start = text.find(_AHEAD, start + len(_AHEAD))
        return "".join((*kept, text[at:]))

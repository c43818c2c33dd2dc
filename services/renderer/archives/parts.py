"""What is merged into one PDF, and why it may not be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """A document of an item.

    Attributes:
        path: its file.
        item: the item's index.
        title: of the item's outline entry.
        layout: what the document shows; empty where the item has one document.
    """

    path: str
    item: int
    title: str
    layout: str = ""


class UnmergeableError(Exception):
    """A document cannot be merged."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

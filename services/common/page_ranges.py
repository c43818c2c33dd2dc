"""Ranges of pages, such as "1-3, 5". Pure."""

from __future__ import annotations

import re

MAX_PAGE = 2000
MAX_CHARACTERS = 1000
NOT_PAGE_RANGES = f'must be a list of pages and ranges from 1 to {MAX_PAGE}, such as "1-3, 5"'
_RANGE = re.compile(r"\s*([0-9]{1,4})\s*(?:-\s*([0-9]{1,4})\s*)?")


def pages(text: str) -> list[int]:
    """The pages that ranges name, in ascending order, each once.

    Raises:
        ValueError: the text is no list of pages, or a range ends before it begins.
    """
    if len(text) > MAX_CHARACTERS:
        raise ValueError(NOT_PAGE_RANGES)
    named: set[int] = set()
    for part in text.split(","):
        match = _RANGE.fullmatch(part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last <= MAX_PAGE:
            raise ValueError(NOT_PAGE_RANGES)
        named.update(range(first, last + 1))
    return sorted(named)


def are_page_ranges(text: str) -> bool:
    """Whether `pages` reads the text."""
    try:
        pages(text)
    except ValueError:
        return False
    return True

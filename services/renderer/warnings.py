"""The warnings of an item: of all that it loads and of every file that it is rendered as. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from services.renderer.engine.lint import Code, shortened

MAX_WARNINGS = 20


def of_item(not_loaded: Iterable[str], by_layout: Mapping[str, Iterable[str]]) -> list[str]:
    """What to report, a code and a sentence each.

    Args:
        not_loaded: sentences about what the item did not load.
        by_layout: the warnings of each file that was made; the layout's name is empty for the template itself.
    """
    found = [shortened(f"{Code.SUBRESOURCE_FAILED}: {sentence}") for sentence in not_loaded]
    return list(dict.fromkeys([*found, *_told(by_layout)]))[:MAX_WARNINGS]


def _told(by_layout: Mapping[str, Iterable[str]]) -> Iterator[str]:
    for layout, warnings in by_layout.items():
        yield from (f"{warning} (layout {layout})" if layout else warning for warning in warnings)

"""Links, outlines and page labels of a PDF, read so that they can be written into another one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pikepdf
from pikepdf import Name, NameTree, NumberTree, Object, Pdf

MAX_OUTLINE_DEPTH = 16
# Of one document: a loop in a broken outline ends there.
MAX_OUTLINE_ENTRIES = 5_000
_SCALARS = (int, float, str, Name)


@dataclass(frozen=True)
class Target:
    """Where a link leads: a page, counted from 0, and how the view is placed on it."""

    page: int
    view: Sequence[Any]

    def shifted(self, pages: int) -> Target:
        """The same place behind so many other pages."""
        return Target(self.page + pages, self.view)

    def written(self, pages: Sequence[Object]) -> pikepdf.Array:
        """As a destination among the pages of a document."""
        return pikepdf.Array([pages[self.page], *self.view])


@dataclass(frozen=True)
class Heading:
    """An entry of an outline; without a target it only holds others."""

    title: str
    target: Target | None
    children: Sequence[Heading] = ()

    def shifted(self, pages: int) -> Heading:
        """The same entry behind so many other pages."""
        target = self.target.shifted(pages) if self.target else None
        return Heading(self.title, target, [child.shifted(pages) for child in self.children])


class Destinations:
    """What the destinations of a document stand for."""

    def __init__(self, pdf: Pdf) -> None:
        self._pages = {page.obj.objgen: index for index, page in enumerate(pdf.pages)}
        self._named = dict(_named(pdf))

    def of(self, holder: Any) -> Target | None:
        """Where a link or an outline entry leads within its document; None when it leads elsewhere or nowhere."""
        destination = holder.get(Name.Dest)
        action = holder.get(Name.A)
        if destination is None and isinstance(action, pikepdf.Dictionary) and action.get(Name.S) == Name.GoTo:
            destination = action.get(Name.D)
        return self._resolved(destination)

    def _resolved(self, destination: Any) -> Target | None:
        if isinstance(destination, (Name, pikepdf.String, str)):
            destination = self._named.get(str(destination).removeprefix("/"))
        if isinstance(destination, pikepdf.Dictionary):
            destination = destination.get(Name.D)
        if not isinstance(destination, pikepdf.Array) or not len(destination):
            return None
        page, *view = list(destination)
        index = self._pages.get(page.objgen) if isinstance(page, Object) else None
        return None if index is None else Target(index, [_scalar(value) for value in view])


def headings(pdf: Pdf, destinations: Destinations) -> list[Heading]:
    """The outline of a document."""
    budget = iter(range(MAX_OUTLINE_ENTRIES))
    root = pdf.Root.get(Name.Outlines)
    return _headings(root, destinations, budget, MAX_OUTLINE_DEPTH) if root is not None else []


def labels(pdf: Pdf) -> list[tuple[int, Object]]:
    """The runs of a document's page labels: the page that one begins at, and how it counts."""
    tree = pdf.Root.get(Name.PageLabels)
    return sorted(NumberTree(tree).items()) if tree is not None else []


def _named(pdf: Pdf) -> Iterator[tuple[str, Any]]:
    names = pdf.Root.get(Name.Names)
    if names is not None and Name.Dests in names:
        yield from ((str(name), value) for name, value in NameTree(names[Name.Dests]).items())
    for name, value in (pdf.Root.get(Name.Dests) or {}).items():
        yield name.removeprefix("/"), value


def _headings(holder: Any, destinations: Destinations, budget: Iterator[int], depth: int) -> list[Heading]:
    found: list[Heading] = []
    entry = holder.get(Name.First)
    while isinstance(entry, pikepdf.Dictionary) and depth and next(budget, None) is not None:
        children = _headings(entry, destinations, budget, depth - 1)
        found.append(Heading(str(entry.get(Name.Title, "")), destinations.of(entry), children))
        entry = entry.get(Name.Next)
    return found


def _scalar(value: Any) -> Any:
    """A part of a view; what may not stand there means "unchanged"."""
    return value if isinstance(value, _SCALARS) or hasattr(value, "as_tuple") else None

"""The names of elements in a tagged PDF.

Chromium names the header cells of tables after their nodes, which it counts from the start of its process: they would
differ from one rendering of a document to the next.
"""

from __future__ import annotations

from collections.abc import Iterator

from pikepdf import Array, Dictionary, Name, Object, Pdf, String


def number(document: Pdf) -> None:
    """Name the elements by their rank among the names that there are."""
    tree = document.Root.get(Name.StructTreeRoot, Dictionary()).get(Name.IDTree)
    if tree is None:
        return
    branches = list(_branches(tree))
    known = sorted({bytes(name) for branch in branches for name in _names(branch)})
    ranks = {name: String(f"node{rank:08d}") for rank, name in enumerate(known)}
    for branch in branches:
        _rename(branch.get(Name.Limits, Array()), ranks)
        _rename(branch.get(Name.Names, Array()), ranks)
    for thing in document.objects:
        if isinstance(thing, Dictionary) and thing.get(Name.Type) == Name.StructElem:
            _rename_element(thing, ranks)


def _branches(tree: Object) -> Iterator[Object]:
    yield tree
    for kid in tree.get(Name.Kids, Array()):
        yield from _branches(kid)


def _names(branch: Object) -> list[Object]:
    # Names and elements by turns.
    return list(branch.get(Name.Names, Array()))[::2]


def _rename_element(element: Object, ranks: dict[bytes, String]) -> None:
    if Name.ID in element:
        element[Name.ID] = ranks.get(bytes(element[Name.ID]), element[Name.ID])
    attributes = element.get(Name.A, Array())
    for each in attributes if isinstance(attributes, Array) else [attributes]:
        if isinstance(each, Dictionary):
            _rename(each.get(Name.Headers, Array()), ranks)


def _rename(names: Object, ranks: dict[bytes, String]) -> None:
    for position, name in enumerate(names):
        if isinstance(name, String):
            names[position] = ranks.get(bytes(name), name)

"""Several PDFs as one, in order, with an outline entry for each item.

Documents are joined in groups, each written to a file, and the groups then into one, so that neither the number of
open files nor the memory for what is not pages grows with the number of documents. Input files are deleted as they
are used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pikepdf
from pikepdf import Name, Object, ObjectStreamMode, OutlineItem, Pdf

from services.renderer.archives.links import Destinations, Heading, Target, headings, labels
from services.renderer.archives.parts import Part, UnmergeableError

GROUP_DOCUMENTS = 100
Adopt = Callable[[Pdf, Pdf], list[Object]]
# Belong to a document's structure tree, form or page tree, which stay behind.
_LEFT_BEHIND = (Name.StructParents, Name.StructParent, Name.P, Name.Parent, Name.Popup)


@dataclass(frozen=True)
class _Chapter:
    """A document in the merged one. Labels are runs: the page that one begins at, its style, its prefix, its start."""

    part: Part
    first: int
    pages: int
    outline: list[Heading]
    labels: list[tuple[int, str, str, int]]


def merge(parts: Sequence[Part], folder: Path, out: Path) -> int:
    """Write one PDF of many; the number of its pages.

    Args:
        parts: the documents, in order; their files are deleted.
        folder: for files in between.
        out: the file to write.

    Raises:
        UnmergeableError: a document is encrypted or broken.
    """
    chapters: list[_Chapter] = []
    groups: list[Path] = []
    for start in range(0, len(parts), GROUP_DOCUMENTS):
        groups.append(folder / f"group-{start}.pdf")
        with Pdf.new() as group:
            chapters.extend(_join(group, parts[start : start + GROUP_DOCUMENTS], chapters))
            group.save(groups[-1], object_stream_mode=ObjectStreamMode.generate)
        for part in parts[start : start + GROUP_DOCUMENTS]:
            Path(part.path).unlink()
    with Pdf.new() as whole:
        pages: list[Object] = []
        for path in groups:
            with Pdf.open(path) as group:
                pages.extend(_append(whole, group, Destinations(group), _attached))
        _write_outline(whole, pages, chapters)
        _write_labels(whole, chapters)
        whole.Root.PageMode = Name.UseOutlines
        whole.save(out, object_stream_mode=ObjectStreamMode.generate, deterministic_id=True)
        return len(pages)


def _join(group: Pdf, parts: Sequence[Part], before: Sequence[_Chapter]) -> Iterator[_Chapter]:
    first = before[-1].first + before[-1].pages if before else 0
    for part in parts:
        try:
            with Pdf.open(part.path, attempt_recovery=False) as source:
                if source.is_encrypted:
                    raise UnmergeableError("ENCRYPTED_RESULT", f"Item {part.item} is encrypted.")
                if not len(source.pages):
                    raise UnmergeableError("BROKEN_RESULT", f"The PDF of item {part.item} has no pages.")
                destinations = Destinations(source)
                chapter = _Chapter(part, first, len(source.pages), headings(source, destinations), _runs(source))
                _append(group, source, destinations, _extended)
        except pikepdf.PasswordError as error:
            raise UnmergeableError("ENCRYPTED_RESULT", f"Item {part.item} is encrypted.") from error
        except (pikepdf.PdfError, ValueError, TypeError) as error:
            reason = str(error).replace(part.path, "").lstrip(": ")
            message = f"The PDF of item {part.item} cannot be read: {reason}"
            raise UnmergeableError("BROKEN_RESULT", message) from error
        first += chapter.pages
        yield chapter


def _append(target: Pdf, source: Pdf, destinations: Destinations, adopt: Adopt) -> list[Object]:
    """Put a document's pages behind those that are there; links within it lead to the same pages as before."""
    links: list[tuple[int, int, Target]] = []
    for number, page in enumerate(source.pages):
        _leave_behind(page.obj)
        for position, annotation in enumerate(page.obj.get(Name.Annots, [])):
            _leave_behind(annotation)
            leads_to = destinations.of(annotation)
            if leads_to is not None:
                links.append((number, position, leads_to))
                # A reference to a page would bring that page along once more.
                _remove(annotation, (Name.Dest, Name.A))
    added = adopt(target, source)
    for number, position, leads_to in links:
        added[number][Name.Annots][position][Name.Dest] = leads_to.written(added)
    return added


def _extended(target: Pdf, source: Pdf) -> list[Object]:
    """Copy the pages of any document, with what they inherit."""
    base = len(target.pages)
    target.pages.extend(source.pages)
    return [page.obj for page in target.pages[base:]]


def _attached(target: Pdf, source: Pdf) -> list[Object]:
    """Copy the pages of a group, which inherit nothing, as a branch of the page tree.

    One by one, each would cost as much as there are pages already.
    """
    root = target.Root.Pages
    branch = target.make_indirect(pikepdf.Dictionary(Type=Name.Pages, Parent=root, Count=len(source.pages)))
    added = [target.copy_foreign(page.obj) for page in source.pages]
    for page in added:
        page[Name.Parent] = branch
    branch[Name.Kids] = pikepdf.Array(added)
    root[Name.Kids].append(branch)
    root[Name.Count] = int(root[Name.Count]) + len(added)
    return added


def _leave_behind(holder: Object) -> None:
    if holder.get(Name.Type) != Name.Page:
        _remove(holder, _LEFT_BEHIND)
    elif Name.StructParents in holder:
        del holder[Name.StructParents]


def _remove(holder: Object, names: Sequence[Name]) -> None:
    for name in names:
        if name in holder:
            del holder[name]


def _write_outline(whole: Pdf, pages: Sequence[Object], chapters: Sequence[_Chapter]) -> None:
    with whole.open_outline() as outline:
        for _, same in groupby(chapters, key=lambda chapter: chapter.part.item):
            of_item = list(same)
            children = of_item[0].outline if len(of_item) == 1 else [_layout(chapter) for chapter in of_item]
            shift = of_item[0].first if len(of_item) == 1 else 0
            start = Target(of_item[0].first, [Name.Fit])
            entry = Heading(of_item[0].part.title, start, [child.shifted(shift) for child in children])
            outline.root.append(_outline_item(pages, entry))


def _layout(chapter: _Chapter) -> Heading:
    start = Target(chapter.first, [Name.Fit])
    return Heading(chapter.part.layout, start, [entry.shifted(chapter.first) for entry in chapter.outline])


def _outline_item(pages: Sequence[Object], heading: Heading) -> OutlineItem:
    item = OutlineItem(heading.title, heading.target.written(pages) if heading.target else None)
    item.is_closed = True
    item.children.extend(_outline_item(pages, child) for child in heading.children)
    return item


def _runs(source: Pdf) -> list[tuple[int, str, str, int]]:
    return [
        (page, str(label.get(Name.S, "")), str(label.get(Name.P, "")), int(label.get(Name.St, 1)))
        for page, label in labels(source)
    ]


def _write_labels(whole: Pdf, chapters: Sequence[_Chapter]) -> None:
    """Pages keep the labels that they had; where no document has any, the merged one needs none."""
    if not any(chapter.labels for chapter in chapters):
        return
    numbers: list[object] = []
    for chapter in chapters:
        for page, style, prefix, start in chapter.labels or [(0, "/D", "", 1)]:
            label = pikepdf.Dictionary(P=prefix, St=start)
            if style:
                label[Name.S] = Name(style)
            numbers.extend((chapter.first + page, label))
    whole.Root.PageLabels = pikepdf.Dictionary(Nums=pikepdf.Array(numbers))

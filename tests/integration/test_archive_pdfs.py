"""Merged PDFs: documents of the real engine, merged by the real archiver."""

from __future__ import annotations

import asyncio
import io
import tempfile
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from pikepdf import Dictionary, Name, Pdf

from pressline.archive.v1.archive_pb2 import (
    ARCHIVE_FORMAT_PDF,
    ARCHIVE_STATE_COMPLETED,
    ARCHIVE_STATE_FAILED,
    Archive,
)
from pressline.batch.v1 import batch_pb2
from services.renderer.archives import merging
from services.renderer.archives.merging import merge
from services.renderer.archives.parts import Part, UnmergeableError
from tests.support.archives import ArchiveWorld, archive_world
from tests.support.renderer import pdf, render, running_engine, source
from tests.support.scheduler import HTML, scheduler_settings
from tests.support.servers import S3Server, UrlServer

INVOICE = """<h1 id="top">Invoice {n}</h1><p><a href="#total">to the total</a> <a href="https://example.com/{n}">pay</a></p>
<div style="break-before: page"><h2 id="total">Total of {n}</h2><a href="#top">back</a></div>"""
TEXT_SECONDS = 60


@pytest.fixture(scope="module")
async def invoices() -> list[bytes]:
    """Twenty invoices of two pages, with links within and out of them."""
    async with running_engine(browsers=1, pages=2) as engine:
        made = [await render(engine, source(INVOICE.replace("{n}", str(n))), pdf()) for n in range(20)]
    return [each.data for each in made]


@pytest.fixture
async def world(nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server) -> AsyncIterator[ArchiveWorld]:
    async with archive_world(scheduler_settings(nats_server, mongodb_server, s3_server)) as made:
        yield made


async def batch_of(world: ArchiveWorld, documents: list[bytes]) -> str:
    items = [batch_pb2.ItemSpec(reference=f"INV-{n}" if n != 3 else "") for n in range(len(documents))]
    spec = batch_pb2.BatchSpec(source=HTML, output=pdf())
    return await world.ended(items, lambda index, _render: documents[index], spec=spec)


async def merged(archive: Archive) -> bytes:
    assert archive.state == ARCHIVE_STATE_COMPLETED, archive
    with await asyncio.to_thread(urllib.request.urlopen, archive.url, timeout=60) as response:
        return bytes(response.read())


async def text_of(data: bytes, page: int) -> str:
    process = await asyncio.create_subprocess_exec(
        "pdftotext", "-f", str(page), "-l", str(page), "-", "-",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(process.communicate(data), TEXT_SECONDS)
    assert process.returncode == 0
    return said.decode()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary files are made; nothing may stay there."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    assert list(tmp_path.iterdir()) == []


async def test_invoices_are_merged_in_order_with_outline_and_links(
    world: ArchiveWorld, invoices: list[bytes], folder: Path
) -> None:
    batch_id = await batch_of(world, invoices)
    archive = await world.made(batch_id, ARCHIVE_FORMAT_PDF)
    data = await merged(archive)
    assert (archive.items, archive.id) == (20, f"arc_{batch_id.removeprefix('batch_')}_pdf")
    for number in (0, 7, 19):
        assert f"Invoice {number}" in await text_of(data, 2 * number + 1)
        assert f"Total of {number}" in await text_of(data, 2 * number + 2)
    with Pdf.open(io.BytesIO(data), attempt_recovery=False) as opened:
        pages = [page.obj.objgen for page in opened.pages]
        assert len(pages) == 40
        with opened.open_outline() as outline:
            entries = [(entry.title, page_of(pages, entry.destination)) for entry in outline.root]
        titles = [f"INV-{n}" if n != 3 else "Item 4" for n in range(20)]
        assert entries == [(title, 2 * n) for n, title in enumerate(titles)]
        for number in range(20):
            first, second = opened.pages[2 * number], opened.pages[2 * number + 1]
            within, outside = first.obj.Annots
            assert pages.index(within.Dest[0].objgen) == 2 * number + 1
            assert str(outside.A.URI) == f"https://example.com/{number}"
            assert pages.index(second.obj.Annots[0].Dest[0].objgen) == 2 * number


@pytest.mark.parametrize(
    ("make", "code", "words"),
    [
        (lambda data: encrypted(data, user="secret"), "ENCRYPTED_RESULT", "Item 1 "),
        (lambda data: encrypted(data, user=""), "ENCRYPTED_RESULT", "Item 1 "),
        (lambda data: data[: len(data) // 2], "BROKEN_RESULT", "item 1 "),
        (lambda _data: b"no PDF at all", "BROKEN_RESULT", "item 1 "),
    ],
)
async def test_what_cannot_be_merged_fails_it_clearly(
    world: ArchiveWorld, invoices: list[bytes], folder: Path, make: Callable[[bytes], bytes], code: str, words: str
) -> None:
    batch_id = await batch_of(world, [invoices[0], make(invoices[1]), invoices[2]])
    archive = await world.made(batch_id, ARCHIVE_FORMAT_PDF)
    assert (archive.state, archive.error.code) == (ARCHIVE_STATE_FAILED, code)
    assert words in archive.error.message
    assert str(folder) not in archive.error.message


def encrypted(data: bytes, user: str) -> bytes:
    out = io.BytesIO()
    with Pdf.open(io.BytesIO(data)) as opened:
        opened.save(out, encryption=pikepdf.Encryption(owner="owner", user=user))
    return out.getvalue()


async def test_an_item_with_several_documents_has_an_entry_for_each_beneath_its_own(
    tmp_path: Path, invoices: list[bytes]
) -> None:
    parts = [
        *(written(tmp_path, n, invoices[n], item=0, title="both", layout=f"layout-{n}") for n in range(2)),
        written(tmp_path, 2, invoices[2], item=1, title="one"),
    ]
    out = tmp_path / "out.pdf"
    assert merge(parts, tmp_path, out) == 6
    with Pdf.open(out) as opened, opened.open_outline() as outline:
        pages = [page.obj.objgen for page in opened.pages]
        both, one = outline.root
        assert [(child.title, page_of(pages, child.destination)) for child in both.children] == [
            ("layout-0", 0),
            ("layout-1", 2),
        ]
        assert (one.title, page_of(pages, one.destination), list(one.children)) == ("one", 4, [])


async def test_outlines_and_page_labels_of_documents_are_kept_across_groups(
    tmp_path: Path, invoices: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "GROUP_DOCUMENTS", 2)
    parts = [written(tmp_path, n, labelled(data, n) if n % 2 else data) for n, data in enumerate(invoices[:5])]
    out = tmp_path / "out.pdf"
    merge(parts, tmp_path, out)
    with Pdf.open(out) as opened:
        assert [str(page.label) for page in opened.pages] == [
            "1",
            "2",
            "1-i",
            "1-ii",
            "1",
            "2",
            "3-i",
            "3-ii",
            "1",
            "2",
        ]
        pages = [page.obj.objgen for page in opened.pages]
        with opened.open_outline() as outline:
            children = [(entry.children[0].title, entry.children[0].destination) for entry in outline.root[1::2]]
        assert [title for title, _ in children] == ["Chapter 1", "Chapter 3"]
        assert [page_of(pages, destination) for _, destination in children] == [3, 7]
        assert pages.index(opened.pages[8].obj.Annots[0].Dest[0].objgen) == 9


async def test_the_same_documents_make_the_same_bytes(tmp_path: Path, invoices: list[bytes]) -> None:
    made = []
    for attempt in range(2):
        out = tmp_path / f"out-{attempt}.pdf"
        merge([written(tmp_path, n, data) for n, data in enumerate(invoices[:4])], tmp_path, out)
        made.append(out.read_bytes())
    assert made[0] == made[1]


def test_a_document_without_pages_is_broken(tmp_path: Path) -> None:
    empty = io.BytesIO()
    with Pdf.new() as none:
        none.save(empty)
    with pytest.raises(UnmergeableError, match="no pages"):
        merge([written(tmp_path, 0, empty.getvalue())], tmp_path, tmp_path / "out.pdf")


def page_of(pages: list[tuple[int, int]], destination: Any) -> int:
    return pages.index(destination[0].objgen)


def written(folder: Path, number: int, data: bytes, **fields: object) -> Part:
    path = folder / f"{number}.pdf"
    path.write_bytes(data)
    return Part(**{"path": str(path), "item": number, "title": f"Item {number}", **fields})  # type: ignore[arg-type]


def labelled(data: bytes, number: int) -> bytes:
    """The document with Roman labels, and an outline that leads to its second page by name."""
    out = io.BytesIO()
    with Pdf.open(io.BytesIO(data)) as opened:
        label = Dictionary(S=Name.r, P=f"{number}-")
        opened.Root.PageLabels = Dictionary(Nums=[0, label])
        with opened.open_outline() as outline:
            outline.root.append(pikepdf.OutlineItem(f"Chapter {number}", pikepdf.Name("/total")))
        opened.save(out)
    return out.getvalue()

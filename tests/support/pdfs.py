"""Reading PDFs back, with other tools than those that made them."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterator
from typing import Any

import pikepdf
from PIL import Image

RUN_SECONDS = 60


def pages_of(data: bytes, password: str = "") -> list[str]:
    """The text of each page, laid out."""
    shown = _run("pdftotext", "-layout", *_opened(password), "-", "-", data=data).decode()
    return shown.split("\f")[:-1]


def raster(data: bytes, page: int = 1) -> Image.Image:
    """A page at one pixel a point."""
    where = ("-f", str(page), "-l", str(page))
    return Image.open(io.BytesIO(_run("pdftoppm", "-r", "72", "-png", *where, "-", data=data))).convert("RGB")


def opened(data: bytes, password: str = "") -> pikepdf.Pdf:
    """The document; what is wrong with its syntax is the test's failure."""
    document = pikepdf.Pdf.open(io.BytesIO(data), password=password, attempt_recovery=False)
    assert document.check_pdf_syntax() == []
    return document


def headings(document: pikepdf.Pdf) -> list[tuple[str, int, list[Any]]]:
    """The outline: titles, indexes of pages, and what is beneath each."""
    places = {page.obj.objgen: index for index, page in enumerate(document.pages)}

    def listed(items: list[pikepdf.OutlineItem]) -> list[tuple[str, int, list[Any]]]:
        found: list[tuple[str, int, list[Any]]] = []
        for item in items:
            assert isinstance(item.destination, pikepdf.Array)
            found.append((item.title, places[item.destination[0].objgen], listed(item.children)))
        return found

    with document.open_outline() as outline:
        return listed(outline.root)


def tags(document: pikepdf.Pdf) -> list[str]:
    """The kinds of the elements in a tagged document's tree."""

    def walk(element: pikepdf.Object) -> Iterator[str]:
        if isinstance(element, pikepdf.Array):
            for child in element:
                yield from walk(child)
        elif isinstance(element, pikepdf.Dictionary):
            if "/S" in element:
                yield str(element["/S"]).removeprefix("/")
            yield from walk(element.get("/K", pikepdf.Array()))

    return list(walk(document.Root.StructTreeRoot)) if "/StructTreeRoot" in document.Root else []


def unarchivable(data: bytes) -> list[str]:
    """What keeps a document from being a PDF/A-2b, as far as it can be told without reading its pages."""
    document = opened(data)
    found = [f"has {name}" for name in ("/AcroForm", "/OpenAction", "/AA", "/Names") if name in document.Root]
    with document.open_metadata() as metadata:
        if (metadata.get("pdfaid:part"), metadata.get("pdfaid:conformance")) != ("2", "B"):
            found.append("does not say so")
    if document.is_encrypted or "/ID" not in document.trailer or document.pdf_version != "1.7":
        found.append("is encrypted, without id or of another version")
    (intent,) = document.Root.get("/OutputIntents", [None])
    if intent is None or intent.S != "/GTS_PDFA1" or intent.DestOutputProfile.N != 3:
        found.append("has no colour space")
    if "/Filter" in document.Root.get("/Metadata", pikepdf.Dictionary()):
        found.append("has packed metadata")
    for thing in document.objects:
        found += _faults(thing) if isinstance(thing, (pikepdf.Dictionary, pikepdf.Stream)) else ()
    return found


def _faults(thing: pikepdf.Object) -> Iterator[str]:
    kind, subtype = thing.get("/Type"), thing.get("/Subtype")
    if kind == "/Font" and subtype not in ("/Type0", "/Type3"):
        holds = thing.get("/FontDescriptor", pikepdf.Dictionary())
        if not any(name in holds for name in ("/FontFile", "/FontFile2", "/FontFile3")):
            yield f"font {thing.get('/BaseFont')} is not embedded"
    if kind == "/Annot" and int(thing.get("/F", 0)) & 0b111111 != 0b100:
        yield "an annotation is hidden or not printed"
    if thing.get("/S") in ("/JavaScript", "/Launch") or "/JS" in thing:
        yield "an action runs something"
    if thing.get("/Interpolate") or "/TR" in thing or ("/F" in thing and kind == "/XObject"):
        yield "a picture is smoothed, changed or elsewhere"
    if "/LZWDecode" in str(thing.get("/Filter", "")):
        yield "a stream is packed with LZW"


def _opened(password: str) -> tuple[str, ...]:
    return ("-upw", password) if password else ()


def _run(*command: str, data: bytes) -> bytes:
    return subprocess.run(command, input=data, capture_output=True, check=True, timeout=RUN_SECONDS).stdout

"""PDFs with what Chromium alone does not give them, read back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pikepdf
import pytest

from pressline.batch.v1.batch_pb2 import FORMAT_PDF, PDF_ARCHIVAL_2B, OutputSpec, PdfEncryption, PdfMetadata, PdfOptions
from services.renderer.engine.engine import Engine
from services.renderer.engine.model import NEUTRAL, Environment, RenderError
from services.renderer.engine.srgb import profile
from tests.support.pdfs import headings, opened, pages_of, raster, tags, unarchivable
from tests.support.renderer import render, running_engine

REPORT = """<!doctype html><html lang="de"><head><title>Bericht</title><style>
h1 { break-before: page } h1:first-of-type { break-before: auto } a { color: rgba(0, 0, 255, 0.5) }
</style></head><body>
<h1>Eins</h1><p>Text, 漢字 und 😀 <a href="#drei">zu drei</a> <a href="https://example.com/">hinaus</a></p>
<h2>Davon</h2><ul><li>ein Punkt</ul><table><tr><th>Kopf<tr><td>Zelle</table>
<img alt="Ein Kreis" src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='40' height='40'>
<circle cx='20' cy='20' r='20' fill='red' opacity='.5'/></svg>">
<h1>Zwei</h1><p>zweite Seite<h1 id="drei">Drei</h1><p>dritte Seite<h1>Vier</h1><p>vierte Seite</body></html>"""
WHOLE = PdfMetadata(title="Titel <&> 漢", author="Ada; B., C.", subject="Worum", keywords="a, b", lang="fr-CH")
SECRET = "pässwörd 漢"


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with running_engine() as running:
        yield running


async def printed(engine: Engine, document: str = REPORT, where: Environment = NEUTRAL, **options: Any) -> bytes:
    output = OutputSpec(format=FORMAT_PDF, pdf=PdfOptions(**options))
    rendered = await render(engine, document, output, where=where)
    with opened(rendered.data, SECRET) if "encryption" in options else opened(rendered.data) as read:
        assert rendered.pages == len(read.pages)
    return rendered.data


async def test_pages_that_are_kept_have_the_numbers_of_the_whole_document(engine: Engine) -> None:
    footer = "Seite {{pageNumber}} von {{totalPages}}"
    kept = pages_of(await printed(engine, page_ranges="4, 1-2,2", footer_html=footer))
    assert [page.split()[-4:] for page in kept] == [["Seite", number, "von", "4"] for number in "124"]
    assert ["Eins" in kept[0], "zweite Seite" in kept[1], "vierte Seite" in kept[2]] == [True] * 3
    assert "dritte" not in "".join(kept)


@pytest.mark.parametrize(("ranges", "first"), [("2, 4-6", 5), ("9", 9), ("1-2000", 5)])
async def test_pages_beyond_the_end_are_the_items_failure(engine: Engine, ranges: str, first: int) -> None:
    with pytest.raises(RenderError, match=f"page_ranges names page {first}, which is beyond the end") as caught:
        await printed(engine, page_ranges=ranges)
    assert caught.value.code == "TEMPLATE_ERROR"


async def test_links_lead_to_pages_that_are_kept(engine: Engine) -> None:
    with opened(await printed(engine, page_ranges="1-3")) as document:
        name = str(document.pages[0].Annots[0].Dest)
        assert document.Root.Dests[name][0].objgen == document.pages[2].obj.objgen


async def test_tags_tell_headings_lists_tables_and_pictures_apart(engine: Engine) -> None:
    with opened(await printed(engine, tagged=True)) as document:
        found = tags(document)
        assert {"H1", "H2", "P", "L", "LI", "Table", "TH", "TD", "Figure", "Link"} <= set(found)
        assert document.Root.MarkInfo.Marked
        assert document.Root.Lang == "de"
        figures = [thing for thing in document.objects if isinstance(thing, pikepdf.Dictionary) and "/Alt" in thing]
        assert [str(figure.Alt) for figure in figures] == ["Ein Kreis"]
    with opened(await printed(engine)) as document:
        assert tags(document) == []
        assert "/Outlines" not in document.Root


async def test_an_outline_has_the_headings_and_comes_with_tags(engine: Engine) -> None:
    with opened(await printed(engine, outline=True)) as document:
        rest: list[Any] = [("Zwei", 1, []), ("Drei", 2, []), ("Vier", 3, [])]
        assert headings(document) == [("Eins", 0, [("Davon", 0, [])]), *rest]
        assert "H1" in tags(document)
    with opened(await printed(engine, outline=True, page_ranges="2-3")) as document:
        assert headings(document) == [("Zwei", 0, []), ("Drei", 1, [])]


async def test_metadata_stand_in_the_file_twice_and_alike(engine: Engine) -> None:
    with opened(await printed(engine, metadata=WHOLE)) as document:
        info = {name: str(document.docinfo[f"/{name}"]) for name in ("Title", "Author", "Subject", "Keywords")}
        assert info == {"Title": WHOLE.title, "Author": WHOLE.author, "Subject": "Worum", "Keywords": "a, b"}
        assert document.Root.Lang == "fr-CH"
        with document.open_metadata() as metadata:
            assert (metadata["dc:title"], metadata["dc:creator"]) == (WHOLE.title, [WHOLE.author])
            assert (metadata["dc:description"], metadata["pdf:Keywords"]) == ("Worum", "a, b")
    with opened(await printed(engine, metadata=PdfMetadata(author="Ada"))) as document:
        assert str(document.docinfo.Title) == "Bericht"


@pytest.mark.parametrize("more", [{}, {"outline": True, "metadata": WHOLE}, {"page_ranges": "2-3", "header_html": "x"}])
async def test_files_for_archives_keep_the_rules(engine: Engine, more: dict[str, Any]) -> None:
    data = await printed(engine, pdfa=PDF_ARCHIVAL_2B, **more)
    assert unarchivable(data) == []
    with opened(data) as document:
        assert document.Root.OutputIntents[0].DestOutputProfile.read_bytes() == profile()
    assert len(unarchivable(await printed(engine, **more))) >= 3


async def test_characters_without_a_glyph_are_refused(engine: Engine) -> None:
    document = "<p>so \ue000 far \ue001"
    with pytest.raises(RenderError, match=r"no character that its fonts lack.*U\+E00.*Add a font") as caught:
        await printed(engine, document, pdfa=PDF_ARCHIVAL_2B)
    assert caught.value.code == "TEMPLATE_ERROR"
    assert "far" in pages_of(await printed(engine, document))[0]


async def test_what_a_title_holds_that_xml_cannot_is_left_out(engine: Engine) -> None:
    data = await printed(engine, "<title>a&#1;b\x0bc</title>x", pdfa=PDF_ARCHIVAL_2B)
    assert unarchivable(data) == []


async def test_a_fixed_clock_dates_the_metadata_too(engine: Engine) -> None:
    where = Environment(now_ms=1_772_355_600_000, fixed=True)
    with opened(await printed(engine, where=where, metadata=WHOLE)) as document, document.open_metadata() as metadata:
        assert str(document.docinfo.CreationDate) == "D:20260301090000+00'00'"
        assert metadata["xmp:CreateDate"].startswith("2026-03-01T09:00:00")


async def test_the_same_input_gives_the_same_bytes(engine: Engine) -> None:
    options: dict[str, Any] = {"pdfa": PDF_ARCHIVAL_2B, "outline": True, "metadata": WHOLE, "page_ranges": "1,3"}
    first = await printed(engine, **options)
    await printed(engine, "<h1>another</h1>", tagged=True)
    assert await printed(engine, **options) == first
    async with running_engine() as other:
        assert await printed(other, **options) == first


async def test_an_encrypted_file_opens_with_either_password(engine: Engine) -> None:
    wanted = PdfEncryption(user_password=SECRET, owner_password="owner", forbid_copy=True, forbid_modify=True)
    data = await printed(engine, encryption=wanted, tagged=True, metadata=WHOLE)
    assert b"Titel" not in data
    with pytest.raises(pikepdf.PasswordError):
        opened(data)
    with opened(data, SECRET) as document:
        assert (document.encryption.bits, document.encryption.R) == (256, 6)
        assert document.encryption.stream_method == pikepdf.models.EncryptionMethod.aesv3
        allowed = document.allow
        assert (allowed.print_lowres, allowed.print_highres, allowed.accessibility) == (True, True, True)
        assert {allowed.extract, allowed.modify_other, allowed.modify_annotation, allowed.modify_form} == {False}
        assert document.user_password_matched
        assert not document.owner_password_matched
    with opened(data, "owner") as document:
        assert document.owner_password_matched
    assert "zweite Seite" in pages_of(data, SECRET)[1]


async def test_without_an_owners_password_nobody_is_the_owner(engine: Engine) -> None:
    data = await printed(engine, encryption=PdfEncryption(user_password=SECRET, forbid_print=True))
    with opened(data, SECRET) as document:
        assert not document.owner_password_matched
        assert {document.allow.print_lowres, document.allow.print_highres} == {False}
    with pytest.raises(pikepdf.PasswordError):
        opened(data)


async def test_without_a_users_password_it_opens_for_everybody(engine: Engine) -> None:
    output = PdfOptions(encryption=PdfEncryption(owner_password=SECRET, forbid_print=True))
    rendered = await render(engine, REPORT, OutputSpec(format=FORMAT_PDF, pdf=output))
    with opened(rendered.data) as document:
        assert document.is_encrypted
        assert not document.allow.print_lowres
        assert not document.owner_password_matched


async def test_it_looks_the_same(engine: Engine) -> None:
    plain = await printed(engine)
    wanted: list[dict[str, Any]] = [{"tagged": True}, {"pdfa": PDF_ARCHIVAL_2B}, {"metadata": WHOLE}]
    for options in wanted:
        assert raster(await printed(engine, **options)).tobytes() == raster(plain).tobytes()

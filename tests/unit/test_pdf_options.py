"""What may be asked of a PDF beyond its page, and what the renderer makes of it."""

from __future__ import annotations

import io

import pytest
from cryptography.exceptions import InvalidTag
from PIL import Image, ImageCms

from pressline.batch.v1 import batch_pb2
from pressline.batch.v1.batch_pb2 import PdfEncryption, PdfMetadata, PdfOptions
from services.common.page_ranges import pages
from services.gateway.models.deckle import GenerationBody
from services.gateway.models.native import PdfOutput
from services.gateway.translate import deckle, paths
from services.gateway.translate.pdf import extras
from services.renderer.engine import options
from services.renderer.engine.pdf_finish import prepared
from services.renderer.engine.srgb import profile
from services.scheduler import pdfs
from services.scheduler.keys import Vault
from services.scheduler.passwords import Locksmith

SECRET = "geheim-wörd"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1", [1]), ("1-3, 5", [1, 2, 3, 5]), (" 5 ,2 - 3,3", [2, 3, 5]), ("7-7", [7]), ("1999-2000", [1999, 2000])],
)
def test_page_ranges(text: str, expected: list[int]) -> None:
    assert pages(text) == expected


@pytest.mark.parametrize(
    "text", ["", ",", "0", "1-", "-3", "3-1", "1;2", "2001", "1-99999", "a", "1 2", "1--2", "\u0661"]
)
def test_what_is_no_page_range(text: str) -> None:
    with pytest.raises(ValueError, match="pages and ranges from 1 to 2000"):
        pages(text)


def test_long_lists_of_pages_are_bounded() -> None:
    assert len(pages("1-2000," * 100 + "1")) == 2000
    with pytest.raises(ValueError, match="ranges"):
        pages("1," * 501)


def faults(pdf: PdfOptions) -> list[str]:
    return [violation.path for violation in pdfs.violations(pdf, "pdf")]


@pytest.mark.parametrize(
    ("pdf", "expected"),
    [
        (PdfOptions(page_ranges="1-3, 5", tagged=True, outline=True, pdfa=batch_pb2.PDF_ARCHIVAL_2B), []),
        (PdfOptions(outline=True), []),
        (PdfOptions(page_ranges="5-1", width="1in"), ["pdf.height", "pdf.page_ranges"]),
        (PdfOptions(pdfa=7), ["pdf.pdfa"]),  # type: ignore[arg-type]
        (PdfOptions(metadata=PdfMetadata(title="x" * 1000, keywords="a, b 漢 😀", lang="de-CH")), []),
        (
            PdfOptions(metadata=PdfMetadata(title="x" * 1001, author="a\nb", subject="\ufffe", lang="?")),
            [f"pdf.metadata.{name}" for name in ("title", "author", "subject", "lang")],
        ),
        (PdfOptions(encryption=PdfEncryption(user_password=SECRET)), []),
        (PdfOptions(encryption=PdfEncryption(owner_password="x" * 127)), []),
        (PdfOptions(encryption=PdfEncryption(forbid_print=True)), ["pdf.encryption"]),
        (
            PdfOptions(encryption=PdfEncryption(user_password="ü" * 64, owner_password="a\tb")),
            ["pdf.encryption.user_password", "pdf.encryption.owner_password"],
        ),
        (
            PdfOptions(
                encryption=PdfEncryption(user_password=SECRET, owner_password=SECRET), pdfa=batch_pb2.PDF_ARCHIVAL_2B
            ),
            ["pdf.encryption.owner_password", "pdf.encryption"],
        ),
    ],
)
def test_everything_at_fault_is_named_and_no_password_repeated(pdf: PdfOptions, expected: list[str]) -> None:
    assert faults(pdf) == expected
    assert not any(SECRET in violation.message for violation in pdfs.violations(pdf, "pdf"))


EXTRAS = {
    "tagged": True,
    "outline": True,
    "metadata": {"title": "T", "author": "A", "subject": "S", "keywords": "k, l", "lang": "de"},
    "pdfa": "2b",
    "encryption": {"user_password": SECRET, "permissions": {"print": False, "copy": True}},
}
TRANSLATED = PdfOptions(
    page_ranges="1-3, 5",
    tagged=True,
    outline=True,
    metadata=PdfMetadata(title="T", author="A", subject="S", keywords="k, l", lang="de"),
    pdfa=batch_pb2.PDF_ARCHIVAL_2B,
    encryption=PdfEncryption(user_password=SECRET, forbid_print=True),
)


def test_both_apis_take_the_same() -> None:
    native = PdfOutput.model_validate({"format": "pdf", "page_ranges": "1-3, 5", **EXTRAS})
    assert extras(native) == TRANSLATED
    assert SECRET not in repr(native)
    dialect = GenerationBody.model_validate({"html": "x", "options": {"pageRanges": "1-3, 5", **EXTRAS}})
    assert SECRET not in repr(dialect)
    plain = deckle.item_spec(GenerationBody.model_validate({"html": "x"})).output.pdf
    plain.MergeFrom(TRANSLATED)
    assert deckle.item_spec(dialect).output.pdf == plain
    assert extras(PdfOutput(format="pdf")) == PdfOptions()


@pytest.mark.parametrize(
    ("renames", "path", "expected"),
    [
        (paths.NATIVE, "spec.output.pdf.page_ranges", "defaults.output.page_ranges"),
        (paths.NATIVE, "items[2].output.pdf.encryption.user_password", "items[2].output.encryption.user_password"),
        (paths.DECKLE, "items[2].output.pdf.page_ranges", "items[2].options.pageRanges"),
        (paths.GENERATE, "items[0].output.pdf.metadata.lang", "options.metadata.lang"),
    ],
)
def test_fields_at_fault_are_named_as_in_the_request(renames: paths.Renames, path: str, expected: str) -> None:
    assert paths.rename(path, renames) == expected


def test_an_outline_is_made_from_tags() -> None:
    parsed = options.pdf(PdfOptions(outline=True, page_ranges="2-3"))
    assert parsed.parameters["generateTaggedPDF"] is True
    assert parsed.parameters["pageRanges"] == "2,3"
    assert parsed.unfinished
    assert not options.pdf(PdfOptions(page_ranges="1")).unfinished
    assert "pageRanges" not in options.pdf(PdfOptions()).parameters


def test_the_profile_is_that_of_srgb() -> None:
    ours = ImageCms.ImageCmsProfile(io.BytesIO(profile()))
    colours = Image.merge("RGB", [Image.linear_gradient("L").rotate(angle) for angle in (0, 90, 180)])
    changed = ImageCms.profileToProfile(colours, ours, ImageCms.createProfile("sRGB"))
    assert changed is not None
    largest = [high for _, high in Image.merge("RGB", colours.split()).getextrema()]  # type: ignore[misc]
    assert largest == [255, 255, 255]
    difference = [abs(a - b) for a, b in zip(colours.tobytes(), changed.tobytes(), strict=True)]
    assert max(difference) <= 1


@pytest.mark.parametrize(
    ("typed", "meant"), [("plain", "plain"), ("e\u0301", "é"), ("a\u00a0b", "a b"), ("x\u00ady", "xy"), ("①", "1")]
)
def test_passwords_are_prepared_as_readers_do(typed: str, meant: str) -> None:
    assert prepared(typed) == meant


def test_a_batchs_passwords_open_with_its_own_key_alone() -> None:
    smith = Locksmith(Vault(b"k" * 32))
    wanted = batch_pb2.OutputSpec(pdf=PdfOptions(encryption=PdfEncryption(user_password=SECRET)))
    image = batch_pb2.OutputSpec(image=batch_pb2.ImageOptions(width=5))
    assert smith.key_field("batch_a", [image]) == {}
    batch = {"_id": "batch_a", **smith.key_field("batch_a", [image, wanted])}
    sealed = [batch_pb2.OutputSpec.FromString(each.SerializeToString()) for each in (image, wanted, wanted)]
    smith.seal(batch, sealed)
    assert SECRET not in str(sealed)
    assert sealed[1] == sealed[2]
    assert sealed[0] == image
    smith.open(batch, sealed)
    assert sealed == [image, wanted, wanted]
    smith.seal(batch, sealed)
    other = {"_id": "batch_b", **smith.key_field("batch_b", [wanted])}
    with pytest.raises(InvalidTag):
        smith.open(other, sealed)

"""What is done to a PDF that Chromium has printed: metadata, PDF/A, encryption. Pure but for the keys of the latter."""

from __future__ import annotations

import io
import re
import secrets
import stringprep
import unicodedata
from typing import Final

from pikepdf import Encryption, ObjectStreamMode, Pdf, Permissions, String

from pressline.batch.v1.batch_pb2 import PDF_ARCHIVAL_2B, PdfEncryption, PdfMetadata, PdfOptions
from services.renderer.engine import pdf_archival, pdf_tags

# AES-256 as PDF 2.0 has it.
_REVISION: Final = 6
_RANDOM_PASSWORD_BYTES = 32
# What a document's own title may hold, and XML may not.
_NOT_FOR_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def finish(data: bytes, options: PdfOptions) -> bytes:
    """Give a PDF what its options ask for; the same bytes for the same input, but for encrypted ones.

    Args:
        data: the PDF, not encrypted.
        options: of which metadata, pdfa and encryption count.

    Raises:
        UnarchivableError: it cannot be a PDF/A.
    """
    with Pdf.open(io.BytesIO(data)) as document:
        pdf_tags.number(document)
        _describe(document, options.metadata)
        if options.pdfa == PDF_ARCHIVAL_2B:
            pdf_archival.check_glyphs(document)
            pdf_archival.add_colours(document)
        if options.pdfa or options.HasField("metadata"):
            _write_metadata(document, options)
        return _saved(document, options)


def _describe(document: Pdf, metadata: PdfMetadata) -> None:
    named = {"Title": metadata.title, "Author": metadata.author, "Subject": metadata.subject}
    for name, value in (named | {"Keywords": metadata.keywords}).items():
        if value:
            document.docinfo[f"/{name}"] = String(value)
    if metadata.lang:
        document.Root.Lang = String(metadata.lang)


def _write_metadata(document: Pdf, options: PdfOptions) -> None:
    for name, value in document.docinfo.items():
        document.docinfo[name] = String(_NOT_FOR_XML.sub("", str(value)))
    with document.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as metadata:
        metadata.load_from_docinfo(document.docinfo)
        if options.pdfa == PDF_ARCHIVAL_2B:
            pdf_archival.declare(metadata)


def _saved(document: Pdf, options: PdfOptions) -> bytes:
    out = io.BytesIO()
    encrypted = options.HasField("encryption")
    document.save(
        out,
        object_stream_mode=ObjectStreamMode.generate,
        force_version=pdf_archival.PDF_VERSION if options.pdfa else "",
        encryption=_encryption(options.encryption) if encrypted else None,
        # An id from the contents; of an encrypted file it would be part of the key.
        deterministic_id=not encrypted,
    )
    return out.getvalue()


def _encryption(wanted: PdfEncryption) -> Encryption:
    return Encryption(
        user=prepared(wanted.user_password),
        # Without one, anybody could lift the restrictions.
        owner=prepared(wanted.owner_password) or secrets.token_urlsafe(_RANDOM_PASSWORD_BYTES),
        R=_REVISION,
        allow=Permissions(
            accessibility=True,
            print_lowres=not wanted.forbid_print,
            print_highres=not wanted.forbid_print,
            extract=not wanted.forbid_copy,
            modify_annotation=not wanted.forbid_modify,
            modify_assembly=not wanted.forbid_modify,
            modify_form=not wanted.forbid_modify,
            modify_other=not wanted.forbid_modify,
        ),
    )


def prepared(password: str) -> str:
    """A password as readers make one of what is typed (SASLprep)."""
    kept = (character for character in password if not stringprep.in_table_b1(character))
    spaced = "".join(" " if stringprep.in_table_c12(character) else character for character in kept)
    return unicodedata.normalize("NFKC", spaced)

"""What is made of a PDF beyond its pages, to its RPC form."""

from __future__ import annotations

from pydantic import SecretStr

from pressline.batch.v1 import batch_pb2
from services.gateway.models.pdf import PdfEncryption, PdfExtras, PdfMetadata


def extras(wanted: PdfExtras) -> batch_pb2.PdfOptions:
    """The options of a PDF that are not about its page."""
    return batch_pb2.PdfOptions(
        page_ranges=wanted.page_ranges or "",
        tagged=wanted.tagged,
        outline=wanted.outline,
        metadata=_metadata(wanted.metadata) if wanted.metadata else None,
        pdfa=batch_pb2.PDF_ARCHIVAL_2B if wanted.pdfa else batch_pb2.PDF_ARCHIVAL_UNSPECIFIED,
        encryption=_encryption(wanted.encryption) if wanted.encryption else None,
    )


def _metadata(given: PdfMetadata) -> batch_pb2.PdfMetadata:
    return batch_pb2.PdfMetadata(
        title=given.title or "",
        author=given.author or "",
        subject=given.subject or "",
        keywords=given.keywords or "",
        lang=given.lang or "",
    )


def _encryption(given: PdfEncryption) -> batch_pb2.PdfEncryption:
    return batch_pb2.PdfEncryption(
        user_password=_revealed(given.user_password),
        owner_password=_revealed(given.owner_password),
        forbid_print=not given.permissions.print,
        forbid_copy=not given.permissions.copy_,
        forbid_modify=not given.permissions.modify,
    )


def _revealed(password: SecretStr | None) -> str:
    return password.get_secret_value() if password else ""

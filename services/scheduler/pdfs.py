"""Validation of what callers want of PDFs. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pressline.batch.v1 import batch_pb2
from services.common.environment import NOT_A_LOCALE, is_locale
from services.common.errors import Violation
from services.common.page_ranges import NOT_PAGE_RANGES, are_page_ranges

MAX_METADATA = 1_000
# What AES-256 takes.
MAX_PASSWORD_BYTES = 127
_LENGTH = re.compile(r"([0-9]{1,5}(\.[0-9]{1,4})?)(px|in|cm|mm|pt|pc)?")
_LENGTHS = ("width", "height", "margin_top", "margin_right", "margin_bottom", "margin_left")
# With what XML, in which metadata are written, has no place for.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffe\uffff]")


def violations(pdf: batch_pb2.PdfOptions, path: str) -> Iterator[Violation]:
    """What is wrong with the options of a PDF, and which of them contradict each other."""
    for name in _LENGTHS:
        value = getattr(pdf, name)
        if value and not _LENGTH.fullmatch(value):
            yield Violation(f"{path}.{name}", "is a number with px, in, cm, mm, pt or pc")
    if bool(pdf.width) != bool(pdf.height):
        yield Violation(f"{path}.height" if pdf.width else f"{path}.width", "is given together with the other side")
    if pdf.page_ranges and not are_page_ranges(pdf.page_ranges):
        yield Violation(f"{path}.page_ranges", NOT_PAGE_RANGES)
    if pdf.pdfa not in batch_pb2.PdfArchival.values():
        yield Violation(f"{path}.pdfa", "is PDF/A-2b")
    yield from _metadata(pdf.metadata, f"{path}.metadata")
    if pdf.HasField("encryption"):
        yield from _encryption(pdf.encryption, f"{path}.encryption")
        if pdf.pdfa:
            yield Violation(f"{path}.encryption", "is not for a file with pdfa: archives hold no encrypted ones")


def _metadata(metadata: batch_pb2.PdfMetadata, path: str) -> Iterator[Violation]:
    for name in ("title", "author", "subject", "keywords"):
        text = getattr(metadata, name)
        if len(text) > MAX_METADATA:
            yield Violation(f"{path}.{name}", f"is longer than {MAX_METADATA} characters")
        if _has_controls(text):
            yield Violation(f"{path}.{name}", "holds a control character")
    if metadata.lang and not is_locale(metadata.lang):
        yield Violation(f"{path}.lang", NOT_A_LOCALE)


def _encryption(encryption: batch_pb2.PdfEncryption, path: str) -> Iterator[Violation]:
    """What is wrong with it; no sentence repeats a password."""
    if not (encryption.user_password or encryption.owner_password):
        yield Violation(path, "needs a user_password, an owner_password or both")
    for name in ("user_password", "owner_password"):
        password = getattr(encryption, name)
        if len(password.encode()) > MAX_PASSWORD_BYTES:
            yield Violation(f"{path}.{name}", f"is longer than {MAX_PASSWORD_BYTES} bytes in UTF-8")
        if _has_controls(password):
            yield Violation(f"{path}.{name}", "holds a control character")
    if encryption.owner_password and encryption.owner_password == encryption.user_password:
        yield Violation(f"{path}.owner_password", "is another than the user_password: it allows everything")


def _has_controls(text: str) -> bool:
    return _CONTROLS.search(text) is not None

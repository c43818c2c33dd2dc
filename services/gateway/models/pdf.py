"""What Pressline makes of a PDF beyond its pages, in the native API and, as an addition, in Deckle's dialect."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, SecretStr
from pydantic_core import PydanticCustomError

from services.common.page_ranges import MAX_CHARACTERS, NOT_PAGE_RANGES, are_page_ranges
from services.gateway.models.environment import locale_tag
from services.gateway.models.fields import Exact

_MAX_METADATA = 1000
_MAX_PASSWORD_BYTES = 127


def _page_ranges(value: str) -> str:
    if not are_page_ranges(value):
        raise PydanticCustomError("page_ranges", NOT_PAGE_RANGES)
    return value


def _password(value: SecretStr) -> SecretStr:
    if not 1 <= len(value.get_secret_value().encode()) <= _MAX_PASSWORD_BYTES:
        raise PydanticCustomError("password", "must be 1 to 127 bytes long in UTF-8")
    return value


PageRanges = Annotated[
    str, Field(min_length=1, max_length=MAX_CHARACTERS, examples=["1-3, 5"]), AfterValidator(_page_ranges)
]
_Text = Annotated[str, Field(max_length=_MAX_METADATA)]
_Password = Annotated[
    SecretStr,
    Field(json_schema_extra={"minLength": 1, "maxLength": _MAX_PASSWORD_BYTES}),
    AfterValidator(_password),
]
PAGE_RANGES = (
    "The pages to keep, from 1 to 2000: in the document's order, each once, with the numbers that they have in it. "
    "An item whose document is shorter fails."
)


class PdfMetadata(Exact):
    """What the file says of itself; what is left out stays as the document has it."""

    title: _Text | None = Field(None, description="In place of the document's own.")
    author: _Text | None = Field(None, description="Who wrote it.")
    subject: _Text | None = Field(None, description="What it is about.")
    keywords: _Text | None = Field(None, description="Words to find it by, separated by commas.")
    lang: Annotated[str, AfterValidator(locale_tag)] | None = Field(
        None, description="The language of its text, a BCP 47 tag.", examples=["de-DE"]
    )


class PdfPermissions(Exact):
    """What whoever opens it without the owner's password may do. Programs are asked to keep to it."""

    print: bool = Field(True, description="Whether it may be printed.")
    copy_: bool = Field(True, alias="copy", description="Whether text and pictures may be copied out of it.")
    modify: bool = Field(True, description="Whether it may be changed, annotated or filled in.")


class PdfEncryption(Exact):
    """AES-256, with one password or both: 1 to 127 bytes in UTF-8 each."""

    user_password: _Password | None = Field(None, description="Opens it; without one it opens for everybody.")
    owner_password: _Password | None = Field(
        None, description="Opens it and allows everything; one that nobody knows when left out."
    )
    permissions: PdfPermissions = Field(PdfPermissions(), description="Without the owner's password.")


class PdfExtras(BaseModel):
    """Base of the bodies that have these."""

    page_ranges: PageRanges | None = Field(None, description=PAGE_RANGES)
    tagged: bool = Field(False, description="Whether it is marked up for screen readers.")
    outline: bool = Field(False, description="Whether it has bookmarks for its headings; it is then `tagged` as well.")
    metadata: PdfMetadata | None = Field(None, description="Title, author, subject, keywords and language.")
    pdfa: Literal["2b"] | None = Field(None, description="Makes it a PDF/A-2b, for archives. Not with `encryption`.")
    encryption: PdfEncryption | None = Field(None, description="Passwords, and what they allow. Not with `pdfa`.")

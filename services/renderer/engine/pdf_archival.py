"""What a PDF of Chromium's needs to follow PDF/A-2b (ISO 19005-2).

Chromium embeds every font, writes neither scripts nor attachments, and marks links as printable. What is missing are
a colour space for colours that name none, and metadata that say which standard the file follows. Only characters
without a glyph cannot be helped.
"""

from __future__ import annotations

from collections.abc import MutableMapping

from pikepdf import Array, Dictionary, Name, Pdf, String

from services.renderer.engine import pdf_glyphs, srgb

# Of PDF/A-2: files are of PDF 1.7.
PDF_VERSION = "1.7"
_COLOUR_SPACE = "sRGB IEC61966-2.1"
_MOST_NAMED = 5


class UnarchivableError(Exception):
    """A document cannot be a PDF/A; the message is for its author."""


def check_glyphs(document: Pdf) -> None:
    """Make sure that every character is one.

    Raises:
        UnarchivableError: some are shown as the box that stands for a missing glyph.
    """
    missing = pdf_glyphs.missing(document)
    if missing:
        codes = sorted(f"U+{ord(character):04X}" for text in missing for character in text)[:_MOST_NAMED]
        raise UnarchivableError(
            f"A PDF/A shows no character that its fonts lack, as this document does{': ' if codes else ''}"
            f"{', '.join(codes)}. Add a font that has it, or leave it out."
        )


def add_colours(document: Pdf) -> None:
    """Say that colours are those of sRGB, as browsers mean them."""
    profile = document.make_stream(srgb.profile(), N=3, Alternate=Name.DeviceRGB)
    intent = Dictionary(
        Type=Name.OutputIntent,
        S=Name.GTS_PDFA1,
        OutputConditionIdentifier=String(_COLOUR_SPACE),
        Info=String(_COLOUR_SPACE),
        DestOutputProfile=profile,
    )
    document.Root.OutputIntents = Array([intent])


def declare(metadata: MutableMapping[str, object]) -> None:
    """Name the standard in a document's metadata."""
    metadata["pdfaid:part"] = "2"
    metadata["pdfaid:conformance"] = "B"

"""Page options to their RPC form, and the one table of paper sizes."""

from __future__ import annotations

from pressline.batch.v1 import batch_pb2
from services.gateway.models.pages import Margins, PaperName, PaperSize

PAPER_SIZES: dict[PaperName, tuple[str, str]] = {
    "A4": ("210mm", "297mm"),
    "Letter": ("8.5in", "11in"),
    "Legal": ("8.5in", "14in"),
}


def pdf_options(
    paper: PaperName | PaperSize | None,
    margin: str | Margins | None,
    orientation: str,
    header: str | None,
    footer: str | None,
    print_background: bool,
) -> batch_pb2.PdfOptions:
    """PDF options as renderers read them; without a paper the document's own page size decides."""
    width, height = _size(paper)
    sides = margin if isinstance(margin, Margins) else Margins(top=margin, right=margin, bottom=margin, left=margin)
    return batch_pb2.PdfOptions(
        width=width,
        height=height,
        margin_top=sides.top or "",
        margin_right=sides.right or "",
        margin_bottom=sides.bottom or "",
        margin_left=sides.left or "",
        landscape=orientation == "landscape",
        header_html=header or "",
        footer_html=footer or "",
        omit_background=not print_background,
    )


def _size(paper: PaperName | PaperSize | None) -> tuple[str, str]:
    if paper is None:
        return "", ""
    if isinstance(paper, PaperSize):
        return paper.width, paper.height
    return PAPER_SIZES[paper]

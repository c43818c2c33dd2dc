"""Small pictures of files."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

from PIL import Image

RENDER_SECONDS = 30


class ThumbnailError(Exception):
    """A file cannot be shown; the text is a sentence for the user."""


def thumbnail(path: Path, box: tuple[int, int]) -> Image.Image:
    """A picture of a file that fits into `box` pixels; of a PDF, its first page.

    Raises:
        ThumbnailError: the file is no picture, or PDFs cannot be drawn on this machine.
    """
    source = _first_page(path, max(box)) if path.suffix == ".pdf" else path
    try:
        with Image.open(source) as picture:
            picture.draft("RGB", box)
            picture.thumbnail(box, Image.Resampling.LANCZOS, reducing_gap=2.0)
            return _opaque(picture)
    except (OSError, ValueError) as error:
        raise ThumbnailError(f"{path.name} cannot be shown: {error}.") from error


def _opaque(picture: Image.Image) -> Image.Image:
    if picture.mode in {"RGBA", "LA", "PA"}:
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB")
    return picture.convert("RGB")


def _first_page(path: Path, edge: int) -> io.BytesIO:
    program = shutil.which("pdftoppm")
    if program is None:
        raise ThumbnailError("PDFs are shown with pdftoppm (poppler-utils), which is not installed.")
    command = [program, "-png", "-singlefile", "-f", "1", "-l", "1", "-scale-to", str(edge * 2), str(path)]
    try:
        drawn = subprocess.run(command, check=True, capture_output=True, timeout=RENDER_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        raise ThumbnailError(f"{path.name} cannot be shown: {error}.") from error
    return io.BytesIO(drawn.stdout)

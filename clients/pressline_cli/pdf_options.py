"""Options of PDFs that `batch` and `render` have in common, and what the API is asked for with them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from pressline_cli.refusal import RefusalError

_RIGHTS = ("print", "copy", "modify")
_DESCRIBED_BY = ("title", "author", "subject", "keywords", "lang")
PageRanges = Annotated[str | None, typer.Option(help='PDF: the pages to keep, such as "1-3, 5".')]
Tagged = Annotated[bool, typer.Option("--tagged", help="PDF: marked up for screen readers.")]
Outline = Annotated[bool, typer.Option("--outline", help="PDF: with bookmarks for its headings.")]
PdfA = Annotated[bool, typer.Option("--pdfa", help="PDF: a PDF/A-2b, for archives.")]
Meta = Annotated[
    list[str] | None,
    typer.Option("--meta", help="PDF: title=…, author=…, subject=…, keywords=… or lang=…. May be repeated."),
]
PasswordFile = Annotated[
    # On the command line, it would be seen by whoever lists processes.
    Path | None, typer.Option(help="PDF: encrypt it; a file whose first line is the password that opens it.")
]
OwnerPasswordFile = Annotated[Path | None, typer.Option(help="PDF: likewise, the password that allows everything.")]
Forbid = Annotated[
    list[str] | None,
    typer.Option(
        help="PDF: what may not be done without the owner's password: print, copy or modify. May be repeated."
    ),
]


@dataclass(frozen=True)
class PdfExtras:
    """What the user said about a PDF beyond its page."""

    page_ranges: PageRanges = None
    tagged: Tagged = False
    outline: Outline = False
    pdfa: PdfA = False
    meta: Meta = None
    password_file: PasswordFile = None
    owner_password_file: OwnerPasswordFile = None
    forbid: Forbid = None

    @property
    def said(self) -> dict[str, object]:
        """By the names of the options, those that were given; None where nothing was said."""
        return {f"--{name.replace('_', '-')}": value or None for name, value in vars(self).items()}

    def spec(self) -> dict[str, Any]:
        """Their part of the API's `output` object.

        Raises:
            RefusalError: an option does not say what it should.
        """
        found = {
            "page_ranges": self.page_ranges,
            "tagged": self.tagged,
            "outline": self.outline,
            "pdfa": "2b" if self.pdfa else None,
            "metadata": dict(map(_assignment, self.meta or [])),
            "encryption": self._encryption(),
        }
        return {name: value for name, value in found.items() if value}

    def _encryption(self) -> dict[str, Any]:
        files = {"user_password": self.password_file, "owner_password": self.owner_password_file}
        passwords: dict[str, Any] = {name: _first_line(path) for name, path in files.items() if path}
        if not self.forbid:
            return passwords
        if unknown := set(self.forbid) - set(_RIGHTS):
            raise RefusalError(f"--forbid: {min(unknown)!r} is not one of {', '.join(_RIGHTS)}.")
        if not passwords:
            raise RefusalError("--forbid needs --password-file or --owner-password-file.")
        return passwords | {"permissions": dict.fromkeys(self.forbid, False)}


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or name not in _DESCRIBED_BY:
        raise RefusalError(f"--meta: {text!r} is not one of {', '.join(f'{name}=…' for name in _DESCRIBED_BY)}.")
    return name, value


def _first_line(path: Path) -> str:
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except OSError as error:
        raise RefusalError(f"{path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise RefusalError(f"{path}: it is not UTF-8.") from error
    if not lines or not lines[0]:
        raise RefusalError(f"{path}: its first line is empty.")
    return lines[0]

"""`pressline archive`: all results of a batch in one file."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pressline_cli.connection import Connection, connect
from pressline_cli.shared_options import Api, Data, Key
from pressline_client import Archive

FAILED = 2


class ArchiveForm(StrEnum):
    """The kinds of archive."""

    ZIP = "zip"
    PDF = "pdf"


def archive(
    *,
    batch: Annotated[str, typer.Argument(help="The id of a batch that has ended.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The file to write.")],
    output_format: Annotated[
        ArchiveForm, typer.Option("--format", help="A ZIP of every file, or one PDF of all.")
    ] = ArchiveForm.ZIP,
    api: Api = None,
    key: Key = None,
    stack: Data = Path(".pressline"),
) -> None:
    """Download all results of a batch as one ZIP or one PDF.

    Exit codes: 0 done, 2 the archive could not be made, 1 refused, 130 interrupted.
    """
    console = Console(highlight=False, markup=False, soft_wrap=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    with connect(Connection(api, key, stack)) as client:
        made = client.archives.wait(client.archives.create(batch, output_format.value).id)
        if made.url is None:
            console.print(_reason(made), style="red")
            raise typer.Exit(FAILED)
        client.download(made.url, out, sha256=made.sha256)
    console.print(f"{made.items} items in {out}")


def _reason(made: Archive) -> str:
    return f"{made.error.code}: {made.error.message}" if made.error else made.status

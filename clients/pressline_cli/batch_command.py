"""`pressline batch`: one template, many rows, a folder of files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from pressline_cli.connection import Connection, connect
from pressline_cli.contact_sheet import write_contact_sheet
from pressline_cli.job import Job, Runner
from pressline_cli.naming import Namer
from pressline_cli.options import Format, OutputOptions, extension_of, output_spec, read_template, source_of
from pressline_cli.pdf_options import (
    Forbid,
    Meta,
    Outline,
    OwnerPasswordFile,
    PageRanges,
    PasswordFile,
    PdfA,
    PdfExtras,
    Tagged,
)
from pressline_cli.progress import ProgressView
from pressline_cli.refusal import RefusalError
from pressline_cli.results import Result, Results, write_manifest
from pressline_cli.rows import Row, read_rows
from pressline_cli.shared_options import (
    Api,
    Clock,
    Data,
    Environment,
    FullPage,
    Key,
    Locale,
    Margin,
    PageSize,
    Quality,
    RequireAssets,
    Scale,
    Selector,
    Size,
    Tailwind,
    Timezone,
    Transparent,
)
from pressline_cli.thumbnails import ThumbnailError

SOME_FAILED = 2
SHOWN_WARNINGS = 20
LONGEST_REFERENCE = 256


def batch(
    *,
    template: Annotated[Path, typer.Argument(help="A Handlebars document (.html) or a React component (.jsx, .tsx).")],
    data: Annotated[Path, typer.Argument(help="Rows: .csv, .tsv, .jsonl, .ndjson, or .json (an array).")],
    output_format: Annotated[Format, typer.Option("--format", help="The kind of file.")],
    out: Annotated[Path, typer.Option(help="The folder for the files.")],
    name: Annotated[
        str | None, typer.Option(help='File names, e.g. "{{name}}.png"; the row number if omitted.')
    ] = None,
    reference: Annotated[str | None, typer.Option(help="A column that is echoed in the manifest.")] = None,
    size: Size = None,
    scale: Scale = None,
    quality: Quality = None,
    selector: Selector = None,
    full_page: FullPage = False,
    transparent: Transparent = False,
    tailwind: Tailwind = False,
    page_size: PageSize = None,
    margin: Margin = None,
    page_ranges: PageRanges = None,
    tagged: Tagged = False,
    outline: Outline = False,
    pdfa: PdfA = False,
    meta: Meta = None,
    password_file: PasswordFile = None,
    owner_password_file: OwnerPasswordFile = None,
    forbid: Forbid = None,
    timezone: Timezone = None,
    locale: Locale = None,
    clock: Clock = None,
    require_assets: RequireAssets = False,
    concurrency: Annotated[
        int | None, typer.Option(min=1, max=10, help="Most items of a batch rendered at once.")
    ] = None,
    webhook: Annotated[str | None, typer.Option(help="An address that is told when a batch ends.")] = None,
    api: Api = None,
    key: Key = None,
    stack: Data = Path(".pressline"),
) -> None:
    """Render every row of DATA through TEMPLATE into files.

    Exit codes: 0 all rows, 2 some rows failed, 1 refused, 130 interrupted.
    """
    text = read_template(template)
    pdf = PdfExtras(page_ranges, tagged, outline, pdfa, meta, password_file, owner_password_file, forbid)
    said = OutputOptions(output_format, size, scale, quality, page_size, margin, selector, full_page, transparent, pdf)
    output = output_spec(said, text)
    names = _name_rows(data, Namer(name, extension_of(output_format, name), _count(data)), reference)
    _make_folder(out)
    where = Environment(
        timezone=timezone, locale=locale, clock=clock, missing_assets="error" if require_assets else None
    )
    defaults = source_of(template, text, tailwind=tailwind) | {"output": output}
    job = Job(_items(read_rows(data), reference), names, defaults, out, concurrency, webhook, where)
    about = {"template": str(template), "data": str(data), "format": output_format}
    _run(Connection(api, key, stack), job, about, data.name)


def _run(connection: Connection, job: Job, about: dict[str, Any], title: str) -> None:
    """Render everything, and tell what became of it; the manifest is written however it ends."""
    console = Console(highlight=False)
    with connect(connection) as client:
        runner = Runner(client, job, client.usage())
        try:
            with ProgressView(console, len(job.names)) as view:
                runner.run(lambda results: view.update(results.done, results.failed))
        finally:
            manifest = write_manifest(job.folder, runner.results, about | {"batches": runner.batch_ids})
    _report(console, runner.results, job.folder, manifest, title)


def _count(data: Path) -> int:
    count = sum(1 for _ in read_rows(data))
    if not count:
        raise RefusalError(f"{data}: there are no rows.")
    return count


def _name_rows(data: Path, namer: Namer, reference: str | None) -> list[str]:
    """A name per row; whatever is wrong with a row is found before anything is submitted."""
    names = []
    for row in read_rows(data):
        names.append(namer.name(row.index, row.data))
        _reference(row, reference)
    return names


def _reference(row: Row, column: str | None) -> str | None:
    if column is None:
        return None
    if column not in row.data:
        raise RefusalError(f"--reference: row {row.index + 1} (line {row.line}) has no {column!r}.")
    value = str(row.data[column])
    if len(value) > LONGEST_REFERENCE:
        raise RefusalError(
            f"--reference: {column!r} of row {row.index + 1} (line {row.line}) is longer than {LONGEST_REFERENCE} "
            "characters."
        )
    return value


def _items(rows: Iterator[Row], reference: str | None) -> Iterator[dict[str, Any]]:
    for row in rows:
        value = _reference(row, reference)
        yield {"data": row.data} if value is None else {"data": row.data, "reference": value}


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RefusalError(f"--out: {out}: {error.strerror}.") from error
    if not os.access(out, os.W_OK):
        raise RefusalError(f"--out: {out} cannot be written.")


def _report(console: Console, results: Results, out: Path, manifest: Path, title: str) -> None:
    for result in results.failures:
        console.print(failure_text(result), style="red", markup=False, soft_wrap=True)
    for line in warning_lines(results):
        console.print(line, style="yellow", markup=False, soft_wrap=True)
    files = [result.file for result in results.ordered if result.file]
    failed = f", {results.failed} failed" if results.failed else ""
    console.print(f"{len(files)} of {results.total} files in {out}{failed}", markup=False, soft_wrap=True)
    console.print(f"manifest: {manifest}", markup=False, soft_wrap=True)
    if files:
        _draw_contact_sheet(console, out, files, title)
    if results.failed:
        raise typer.Exit(SOME_FAILED)


def failure_text(result: Result) -> str:
    """One line about a row without a file."""
    reference = f" ({result.reference})" if result.reference else ""
    reason = f"{result.error['code']}: {result.error['message']}" if result.error else result.status
    return f"row {result.index + 1}{reference}: {reason}"


def warning_lines(results: Results) -> list[str]:
    """Lines about what was odd; the manifest has what is too much for people."""
    lines = [f"row {result.index + 1}: {warning}" for result in results.ordered for warning in result.warnings]
    more = len(lines) - SHOWN_WARNINGS
    return lines[:SHOWN_WARNINGS] + ([f"{more} more warnings in the manifest"] if more > 0 else [])


def _draw_contact_sheet(console: Console, out: Path, files: list[str], title: str) -> None:
    try:
        sheet = write_contact_sheet(out, files, title)
    except ThumbnailError as error:
        console.print(f"no contact sheet: {error}", markup=False, soft_wrap=True)
    else:
        console.print(f"contact sheet: {sheet}", markup=False, soft_wrap=True)

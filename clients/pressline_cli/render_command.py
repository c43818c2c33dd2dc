"""`pressline render`: one document, one file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from pressline_cli.connection import Connection, connect
from pressline_cli.options import OutputOptions, format_of, output_spec, read_template, source_of
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
from pressline_cli.refusal import RefusalError
from pressline_cli.rows import parse_object
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
from pressline_client import Client

SOME_FAILED = 2


def render(
    *,
    file: Annotated[Path, typer.Argument(help="An HTML document; Handlebars when data is given.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The file to make: .png, .jpg, .webp or .pdf.")],
    data_file: Annotated[Path | None, typer.Option(help="A JSON object with the document's data.")] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", help="key=value; JSON values keep their type. May be repeated.")
    ] = None,
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
    api: Api = None,
    key: Key = None,
    stack: Data = Path(".pressline"),
) -> None:
    """Render one document.

    Exit codes: 0 done, 2 it could not be rendered, 1 refused, 130 interrupted.
    """
    text = read_template(file)
    pdf = PdfExtras(page_ranges, tagged, outline, pdfa, meta, password_file, owner_password_file, forbid)
    said = OutputOptions(format_of(out), size, scale, quality, page_size, margin, selector, full_page, transparent, pdf)
    output = output_spec(said, text)
    data = _read_data(data_file) | _parse_assignments(assignments or [])
    # Without data the document is literal, braces and all.
    item = {"data": data} if data_file or assignments else {}
    out.parent.mkdir(parents=True, exist_ok=True)
    where = Environment(
        timezone=timezone, locale=locale, clock=clock, missing_assets="error" if require_assets else None
    )
    with connect(Connection(api, key, stack)) as client:
        defaults = source_of(file, text, tailwind=tailwind) | {"output": output}
        _render_one(client, defaults, item, out, where)


def _render_one(client: Client, defaults: dict[str, Any], item: dict[str, Any], out: Path, where: Environment) -> None:
    console = Console(highlight=False, markup=False, soft_wrap=True)
    batch = client.batches.create([item], defaults=defaults, **where)
    try:
        client.batches.wait(batch.id)
    except KeyboardInterrupt:
        client.batches.cancel(batch.id)
        raise
    (made,) = client.batches.items(batch.id)
    if not made.url:
        reason = f"{made.error.code}: {made.error.message}" if made.error else made.status
        console.print(reason, style="red")
        if made.error and made.error.screenshot_url:
            console.print(f"the page as it was then: {made.error.screenshot_url}")
        raise typer.Exit(SOME_FAILED)
    client.download(made.url, out, sha256=made.sha256)
    for warning in made.warnings:
        console.print(warning, style="yellow")
    console.print(str(out))


def _read_data(path: Path | None) -> dict[str, Any]:
    return parse_object(str(path), read_template(path)) if path else {}


def _parse_assignments(assignments: list[str]) -> dict[str, Any]:
    values = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise RefusalError(f"--set: {text!r} is not key=value.")
        values[name] = _value(value)
    return values


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text

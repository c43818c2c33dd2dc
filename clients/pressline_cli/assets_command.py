"""`pressline assets`: the fonts and images of the account."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from pressline_cli.connection import Connection, connect
from pressline_cli.refusal import RefusalError
from pressline_cli.shared_options import Api, Data, Key
from pressline_client import Asset

app = typer.Typer(help="Store fonts and images that documents refer to by name.", no_args_is_help=True)
_STACK = Path(".pressline")


@app.command()
def add(
    *,
    files: Annotated[list[Path], typer.Argument(help="Images or fonts; documents know each by its file name.")],
    name: Annotated[str | None, typer.Option(help="Another name, for one file.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace other bytes under the same name.")] = False,
    api: Api = None,
    key: Key = None,
    stack: Data = _STACK,
) -> None:
    """Store files, and print how documents refer to each."""
    if name is not None and len(files) > 1:
        raise RefusalError("--name is for one file.")
    console = Console(highlight=False, markup=False, soft_wrap=True)
    with connect(Connection(api, key, stack)) as client:
        for file in files:
            console.print(_use(client.assets.add(file, name=name, replace=replace)))


@app.command("list")
def list_(*, api: Api = None, key: Key = None, stack: Data = _STACK) -> None:
    """List what is stored."""
    table = Table("name", "kind", "bytes", "use", box=None, pad_edge=False)
    with connect(Connection(api, key, stack)) as client:
        for asset in client.assets.list():
            table.add_row(asset.name, asset.kind, str(asset.bytes), _use(asset))
    Console(highlight=False, markup=False, soft_wrap=True).print(table)


@app.command()
def delete(
    *,
    names: Annotated[list[str], typer.Argument(help="Their names.")],
    api: Api = None,
    key: Key = None,
    stack: Data = _STACK,
) -> None:
    """Delete assets by name."""
    with connect(Connection(api, key, stack)) as client:
        known = {asset.name: asset.id for asset in client.assets.list()}
        unknown = [name for name in names if name not in known]
        if unknown:
            raise RefusalError(f"No asset is named {unknown[0]!r}.")
        for name in dict.fromkeys(names):
            client.assets.delete(known[name])


def _use(asset: Asset) -> str:
    if asset.font is None:
        return asset.url
    style = " italic" if asset.font.style == "italic" else ""
    return f'font-family: "{asset.font.family}" ({asset.font.weight}{style})'

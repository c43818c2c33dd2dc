"""`pressline batches`: what was submitted before, by whatever program."""

from __future__ import annotations

from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from pressline_cli.connection import Connection, connect
from pressline_cli.refusal import RefusalError
from pressline_cli.shared_options import Api, Data, Key
from pressline_client import Batch

app = typer.Typer(help="List batches; show, cancel, delete or retry one.", no_args_is_help=True)
BatchId = Annotated[str, typer.Argument(help="The batch's id.")]
LATEST = "latest"
_STACK = Path(".pressline")
# Columns keep their widths whatever the terminal's, so that programs can read them.
_ROW = "{:<22}  {:<10}  {:>6}  {:>9}  {:>6}  {:>9}  {}"


class BatchState(StrEnum):
    """The states of a batch."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


@app.command("list")
def list_(
    *,
    status: Annotated[BatchState | None, typer.Option(help="Only batches in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
    api: Api = None,
    key: Key = None,
    stack: Data = _STACK,
) -> None:
    """List batches, newest first."""
    typer.echo(_ROW.format("id", "status", "total", "completed", "failed", "cancelled", "created"))
    with connect(Connection(api, key, stack)) as client:
        for batch in islice(client.batches.list(status=status.value if status else None), limit):
            counts = (batch.total, batch.completed, batch.failed, batch.cancelled)
            created = f"{batch.created_at:%Y-%m-%d %H:%M:%S}" if batch.created_at else ""
            typer.echo(_ROW.format(batch.id, batch.status, *counts, created))


@app.command()
def show(*, batch: BatchId, api: Api = None, key: Key = None, stack: Data = _STACK) -> None:
    """Print a batch as JSON."""
    with connect(Connection(api, key, stack)) as client:
        typer.echo(client.batches.get(batch).model_dump_json(indent=2))


@app.command()
def cancel(*, batch: BatchId, api: Api = None, key: Key = None, stack: Data = _STACK) -> None:
    """Stop a batch; what is finished stays."""
    with connect(Connection(api, key, stack)) as client:
        _tell(client.batches.cancel(batch))


@app.command()
def delete(
    *,
    batches: Annotated[list[str], typer.Argument(help="Ids of batches that have ended.")],
    api: Api = None,
    key: Key = None,
    stack: Data = _STACK,
) -> None:
    """Delete batches with their items and files."""
    with connect(Connection(api, key, stack)) as client:
        for batch in dict.fromkeys(batches):
            client.batches.delete(batch)


@app.command()
def retry(
    *,
    batch: BatchId,
    cancelled: Annotated[bool, typer.Option("--cancelled", help="Try cancelled items again as well.")] = False,
    template_version: Annotated[
        str | None, typer.Option(help="A version of the template, or latest; the old one if omitted.")
    ] = None,
    api: Api = None,
    key: Key = None,
    stack: Data = _STACK,
) -> None:
    """Make a new batch of a batch's failed items, and print its id."""
    if template_version not in {None, LATEST} and not str(template_version).isdecimal():
        raise RefusalError("--template-version is a number or latest.")
    version = int(template_version) if template_version and template_version != LATEST else None
    with connect(Connection(api, key, stack)) as client:
        made = client.batches.retry(
            batch,
            statuses=("failed", "cancelled") if cancelled else ("failed",),
            template_version="latest" if template_version == LATEST else version,
        )
    typer.echo(made.id)


def _tell(batch: Batch) -> None:
    done = f"{batch.completed} completed, {batch.failed} failed, {batch.cancelled} cancelled"
    typer.echo(f"{batch.id} is {batch.status}: {done} of {batch.total}")

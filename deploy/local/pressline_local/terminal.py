"""What the commands have in common: the data folder's option, and failures as sentences."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from pressline_local.errors import LocalError
from services.common.errors import PresslineError

Data = Annotated[Path, typer.Option(help="The folder that holds everything this installation keeps.")]
DEFAULT_DATA = Path(".pressline")


def tell(sentence: str) -> None:
    """Say something that is no output."""
    typer.echo(sentence, err=True)


@contextmanager
def sentences() -> Iterator[None]:
    """Failures become a sentence on stderr and exit code 1."""
    try:
        yield
    except LocalError as error:
        tell(str(error))
        raise typer.Exit(1) from error
    except PresslineError as error:
        tell(" ".join([error.message, *(f"{item.path}: {item.message}" for item in error.violations)]))
        raise typer.Exit(1) from error

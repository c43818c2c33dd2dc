"""The `pressline` command: rendering from the command line, and running Pressline on this machine."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from pressline_cli import assets_command, batches_command
from pressline_cli.archive_command import archive
from pressline_cli.batch_command import batch
from pressline_cli.refusal import RefusalError
from pressline_cli.render_command import render
from pressline_client import ApiError, FieldError, PresslineError

REFUSED, INTERRUPTED = 1, 130
app = typer.Typer(
    help="Render one template and many rows of data into PNG, JPEG, WebP or PDF files.",
    add_completion=False,
    rich_markup_mode=None,
)
app.command()(archive)
app.add_typer(assets_command.app, name="assets")
app.command()(batch)
app.add_typer(batches_command.app, name="batches")
app.command()(render)

try:
    from pressline_local import commands
except ModuleNotFoundError:
    # The command line alone is installed: it talks to a service elsewhere.
    pass
else:
    commands.register(app)


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 refused, 2 some rows failed, 130 interrupted."""
    try:
        code = app(sys.argv[1:] or ["--help"], standalone_mode=False)
    except typer.TyperException as error:
        # Typer's own errors (a missing option, say) are named in full by this method of theirs.
        _explain(str(getattr(error, "format_message", error.__str__)()))
        sys.exit(REFUSED)
    except (RefusalError, PresslineError, OSError) as error:
        _explain(str(error), error.fields if isinstance(error, ApiError) else ())
        sys.exit(REFUSED)
    if code == INTERRUPTED:
        _explain("interrupted")
    sys.exit(code if isinstance(code, int) else 0)


def _explain(sentence: str, fields: tuple[FieldError, ...] = ()) -> None:
    console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    console.print(f"error: {sentence}", style="red")
    for field in fields:
        console.print(f"  {field.path}: {field.message}")


if __name__ == "__main__":
    main()

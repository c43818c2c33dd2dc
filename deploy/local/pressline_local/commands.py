"""The commands that run Pressline on one machine."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from pressline_local import account_commands, control
from pressline_local.folder import DataFolder, RunRecord
from pressline_local.services import Options
from pressline_local.terminal import DEFAULT_DATA, Data, sentences, tell

Port = Annotated[int, typer.Option(min=1, max=65535)]


def register(app: typer.Typer) -> None:
    """Add `up`, `down`, `status`, `keys` and `accounts` to a command line."""
    app.command("up")(up)
    app.command("down")(down)
    app.command("status")(status)
    account_commands.register(app)


def up(
    *,
    detach: Annotated[bool, typer.Option("--detach", help="Return when everything is ready.")] = False,
    data: Data = DEFAULT_DATA,
    port: Port = 8080,
    grpc_port: Port = 9090,
    renderers: Annotated[int, typer.Option(min=1, max=64, help="How many renderers to run.")] = 1,
) -> None:
    """Start the servers and services, and keep them running."""
    folder, options = DataFolder(data), Options(port, grpc_port, renderers)
    with sentences():
        if control.running(folder) is not None and (record := control.until_running(folder)) is not None:
            tell(f"Pressline is running already in {folder.path}.")
            _print_addresses(record)
            return
        supervisor = control.start(folder, options, detach=detach)
        with _stopping_at_signals(supervisor):
            _print_addresses(control.until_ready(folder, supervisor, tell))
            if not detach:
                raise typer.Exit(supervisor.wait())


def down(data: Data = DEFAULT_DATA) -> None:
    """Stop everything, finishing the work in flight. The data stays."""
    folder = DataFolder(data)
    with sentences():
        stopped = control.stop(folder)
    tell(f"Pressline has stopped in {folder.path}." if stopped else f"Nothing runs in {folder.path}.")


def status(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    data: Data = DEFAULT_DATA,
) -> None:
    """Show the processes."""
    with sentences():
        processes = control.processes(DataFolder(data))
    if as_json:
        shown = [{"name": p.name, "pid": p.pid, "state": p.state, "restarts": p.restarts} for p in processes]
        typer.echo(json.dumps({"processes": shown}))
        return
    for process in processes:
        typer.echo(f"{process.name:<14}{process.state:<12}{process.pid or '-'!s:<10}restarts: {process.restarts}")
    if not processes:
        tell(f"Nothing has run in {data.absolute()} yet.")


def _print_addresses(record: RunRecord) -> None:
    typer.echo(json.dumps({"api": record.api, "grpc": record.grpc}))


@contextmanager
def _stopping_at_signals(supervisor: subprocess.Popen[bytes]) -> Iterator[None]:
    # A second Ctrl-C changes nothing: the stop is bounded.
    def pass_on(_number: int, _frame: object) -> None:
        if supervisor.poll() is None:
            supervisor.terminate()

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""The stack on this machine: its address, and a key of its own for the command line."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from pressline_cli.refusal import RefusalError
from pressline_client import AuthenticationError, Client
from pressline_local import control, keys
from pressline_local.errors import LocalError
from pressline_local.folder import DataFolder
from services.common.errors import PresslineError

KEY_FILE = "cli-key"
ACCOUNT = "local"


def address(data: Path) -> str:
    """The running stack's API.

    Raises:
        RefusalError: none runs under this data folder.
    """
    folder = DataFolder(data)
    try:
        run = control.running(folder)
    except LocalError as error:
        raise RefusalError(str(error)) from error
    if run is None:
        raise RefusalError(
            f"Nothing runs in {folder.path}: start it with `pressline up --detach`, or name a service with --api and "
            "--key."
        )
    return run.api


def client(api: str, data: Path) -> Client:
    """A client with the key kept in the data folder, which is made at the first call."""
    path = data / KEY_FILE
    if path.exists():
        kept = Client(api, path.read_text("ascii").strip())
        try:
            kept.usage()
        except AuthenticationError:
            # The stack was set up anew under the same folder.
            kept.close()
        else:
            return kept
    return Client(api, _make_key(data, path))


def _make_key(data: Path, path: Path) -> str:
    try:
        key = asyncio.run(keys.create(DataFolder(data), ACCOUNT, keys.PlanName.ENTERPRISE))
    except (PresslineError, LocalError) as error:
        raise RefusalError(f"No API key could be made: {error}") from error
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{key}\n")
    return key

"""Which service to talk to, and with which key: the one that was named, else the one on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pressline_cli.refusal import RefusalError
from pressline_client import Client


@dataclass(frozen=True)
class Connection:
    """What the options and the environment say."""

    api: str | None
    key: str | None
    data: Path


def connect(connection: Connection) -> Client:
    """A client for the named service, or for the local stack.

    Raises:
        RefusalError: a service without a key was named, or none runs here.
    """
    if connection.api and connection.key:
        return Client(connection.api, connection.key)
    if connection.api:
        raise RefusalError("--api needs --key (or PRESSLINE_API_KEY) as well.")
    try:
        from pressline_cli import local_stack  # noqa: PLC0415 - needs what the command line alone does not install
    except ModuleNotFoundError as error:
        raise RefusalError("Name a service with --api and --key.") from error
    api = local_stack.address(connection.data)
    return Client(api, connection.key) if connection.key else local_stack.client(api, connection.data)

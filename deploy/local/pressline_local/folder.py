"""The data folder: everything that one local installation keeps, and what it says about its running processes.

state.json     ports and kinds of servers, chosen once
secrets.json   made once, mode 0600
run.json       the supervisor and its processes, rewritten at every change
lock           locked by the running supervisor
logs/NAME.log  what each process printed
NAME/          a server's data
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pressline_local.errors import LocalError


@dataclass(frozen=True)
class Secrets:
    """Made by the first `up`; none of them is ever shown."""

    secret_key: str
    service_token: str
    s3_access_key: str
    s3_secret_key: str


@dataclass(frozen=True)
class ProcessRecord:
    """One process of the stack. `mark` tells it from a later process with the same pid."""

    name: str
    pid: int | None
    mark: str | None
    state: str
    restarts: int


@dataclass(frozen=True)
class RunRecord:
    """What the supervisor says about itself and its processes."""

    pid: int
    mark: str | None
    api: str
    grpc: str
    ready: bool
    error: str | None = None
    processes: list[ProcessRecord] = field(default_factory=list)


class DataFolder:
    """A data folder by its path; it is made when something is first kept in it."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    def make(self) -> None:
        """Create the folder, open to its owner alone.

        Raises:
            LocalError: it cannot be created or written.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.path / "logs").mkdir(exist_ok=True)
            (self.path / "lock").touch(mode=0o600)
        except OSError as error:
            raise LocalError(f"The data folder {self.path} cannot be used: {error.strerror}.") from error

    def log(self, name: str) -> Path:
        """The log file of a process."""
        return self.path / "logs" / f"{name}.log"

    def state(self) -> dict[str, Any]:
        """Choices kept between runs: `ports` and `kinds`, by name."""
        return {"ports": {}, "kinds": {}, **(_read(self.path / "state.json") or {})}

    def keep_state(self, state: dict[str, Any]) -> None:
        """Replace the kept choices."""
        _write(self.path / "state.json", state)

    def secrets(self) -> Secrets:
        """The secrets, made at the first call."""
        kept = _read(self.path / "secrets.json")
        if kept is None:
            kept = {
                "secret_key": secrets.token_hex(32),
                "service_token": secrets.token_urlsafe(32),
                "s3_access_key": secrets.token_hex(10),
                "s3_secret_key": secrets.token_urlsafe(30),
            }
            _write(self.path / "secrets.json", kept)
        return Secrets(**kept)

    def run(self) -> RunRecord | None:
        """What the last supervisor wrote, or None where there never was one."""
        kept = _read(self.path / "run.json")
        if kept is None:
            return None
        processes = [ProcessRecord(**record) for record in kept.pop("processes")]
        return RunRecord(**kept, processes=processes)

    def keep_run(self, record: RunRecord) -> None:
        """Replace the record of the running supervisor."""
        _write(self.path / "run.json", asdict(record))

    @contextmanager
    def locked(self) -> Iterator[bool]:
        """Try to lock the folder; yields whether it is ours. The kernel unlocks it when the process ends."""
        with (self.path / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise LocalError(f"{path} cannot be read: {error}.") from error
    return content


def _write(path: Path, content: dict[str, Any]) -> None:
    # Renamed into place when it is on the disk, so that neither a reader nor a crash meets half a file.
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=2)
        file.flush()
        os.fsync(descriptor)
    fresh.replace(path)

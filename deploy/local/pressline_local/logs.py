"""Log files that stay bounded while processes append to them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

LOG_BYTES = 20_000_000


def bound(path: Path) -> None:
    """Move aside what has grown too long, replacing what was moved before: two parts are kept at most."""
    if path.exists() and path.stat().st_size > LOG_BYTES:
        shutil.copyfile(path, path.with_suffix(".log.1"))
        # Truncated in place: a process appends to this very file.
        os.truncate(path, 0)


def last_lines(path: Path, count: int, since: int = 0) -> list[str]:
    """The last lines that were written after the first `since` bytes."""
    with path.open("rb") as file:
        file.seek(max(since, path.stat().st_size - 20_000))
        return file.read().decode(errors="replace").splitlines()[-count:]

"""Log files that stay bounded while processes append to them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

LOG_BYTES = 20_000_000
TAIL_BYTES = 100_000
LINE_LENGTH = 400


def bound(path: Path) -> None:
    """Move aside what has grown too long, replacing what was moved before: two parts are kept at most."""
    if path.exists() and path.stat().st_size > LOG_BYTES:
        shutil.copyfile(path, path.with_suffix(".log.1"))
        # Truncated in place: a process appends to this very file.
        os.truncate(path, 0)


def last_lines(path: Path, count: int, since: int = 0) -> list[str]:
    """The last lines that were written after the first `since` bytes, each cut to a readable length."""
    with path.open("rb") as file:
        file.seek(max(since, path.stat().st_size - TAIL_BYTES))
        lines = file.read().decode(errors="replace").splitlines()[-count:]
    return [line if len(line) <= LINE_LENGTH else line[:LINE_LENGTH] + "…" for line in lines]

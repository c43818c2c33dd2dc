"""Finding a server's binary: one on PATH that is new enough, else the one that came with the Python packages."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from pressline_local.errors import LocalError

# The oldest version with what we use, and how a binary is asked for its version.
_OLDEST = {"nats-server": (2, 11), "mongod": (7, 0), "weed": (4, 48)}
_ASK = {"nats-server": "--version", "mongod": "--version", "weed": "version"}


def on_path(name: str) -> str | None:
    """The binary on PATH, if it is new enough."""
    found = shutil.which(name)
    return found if found and _version(found, _ASK[name]) >= _OLDEST[name] else None


def packaged(name: str) -> str:
    """The binary that was installed beside this Python.

    Raises:
        LocalError: it is not there.
    """
    path = Path(sys.executable).parent / name
    if not path.exists():
        raise LocalError(f"{name} is neither on PATH nor at {path}; install pressline[local].")
    return str(path)


def _version(binary: str, flag: str) -> tuple[int, int]:
    try:
        said = subprocess.run([binary, flag], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    match = re.search(r"(\d+)\.(\d+)", said)
    return (int(match[1]), int(match[2])) if match else (0, 0)

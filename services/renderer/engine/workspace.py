"""A renderer's temporary folder, which disappears even when the renderer could not remove it itself."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

PREFIX = "pressline-renderer-"


class Workspace:
    """A folder that is locked while its renderer lives; making one removes those of dead renderers."""

    def __init__(self, parent: Path | None = None) -> None:
        parent = parent or Path(tempfile.gettempdir())
        _sweep(parent)
        # Locked before it has the name that others sweep.
        new = Path(tempfile.mkdtemp(prefix="new-" + PREFIX, dir=parent))
        self._lock = os.open(new, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.path = new.rename(parent / new.name.removeprefix("new-"))
        # The browser's unprivileged user must reach its own folder in here, and see nothing else.
        self.path.chmod(0o711)

    def folder(self, owner: int | None) -> Path:
        """A new folder for one browser, private to `owner` (a uid and gid), or to this process's user."""
        made = Path(tempfile.mkdtemp(prefix="browser-", dir=self.path))
        if owner is not None:
            os.chown(made, owner, owner)
        return made

    def close(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _sweep(parent: Path) -> None:
    for path in parent.glob(PREFIX + "*"):
        try:
            handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
        except BlockingIOError:
            continue
        finally:
            os.close(handle)

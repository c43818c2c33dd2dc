"""Archives: all results of a batch in one file."""

from __future__ import annotations

import time
from typing import Literal

from pressline_client.batches import FIRST_POLL_SECONDS, LONGEST_POLL_SECONDS
from pressline_client.errors import WaitTimeoutError
from pressline_client.models import Archive
from pressline_client.transport import Transport

ArchiveFormat = Literal["zip", "pdf"]


class Archives:
    """Asks for archives and follows them. Every call raises `PresslineError` when it is refused."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, batch_id: str, format: ArchiveFormat = "zip") -> Archive:  # noqa: A002 - the field's name
        """Ask for an archive of an ended batch; returns at once, with the archive that exists where there is one.

        Args:
            batch_id: the batch.
            format: `zip` for every file with a manifest, `pdf` for one PDF of all.
        """
        return Archive.model_validate(self._transport.post(f"/v1/batches/{batch_id}:archive", {"format": format}))

    def get(self, archive_id: str) -> Archive:
        """Read an archive."""
        return Archive.model_validate(self._transport.get(f"/v1/archives/{archive_id}"))

    def wait(self, archive_id: str, timeout: float | None = None) -> Archive:
        """Poll until the archive is completed or failed.

        Args:
            archive_id: what to wait for.
            timeout: seconds until `WaitTimeoutError`; None waits as long as it takes.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = FIRST_POLL_SECONDS
        while True:
            archive = self.get(archive_id)
            if archive.ended:
                return archive
            if deadline is not None and time.monotonic() + pause > deadline:
                raise WaitTimeoutError(f"Archive {archive_id} is still {archive.status} after {timeout:g} seconds.")
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_POLL_SECONDS)

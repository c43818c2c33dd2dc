"""Batches and their items."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from pressline_client.errors import WaitTimeoutError
from pressline_client.models import Batch, BatchStatus, Item, ItemPage
from pressline_client.paging import everything
from pressline_client.progress import changes
from pressline_client.transport import Transport

PAGE = 100
FIRST_POLL_SECONDS = 0.25
LONGEST_POLL_SECONDS = 2.0


class Batches:
    """Creates, follows and cancels batches. Every call raises `PresslineError` when it is refused."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self,
        items: Sequence[Mapping[str, Any]],
        *,
        defaults: Mapping[str, Any] | None = None,
        concurrency: int | None = None,
        webhook_url: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        timezone: str | None = None,
        locale: str | None = None,
        clock: datetime | str | None = None,
        missing_assets: Literal["warn", "error"] | None = None,
    ) -> Batch:
        """Submit a batch; returns at once.

        Args:
            items: `{data, reference, filename, output, template | html | react, styles, tailwind}` each; all optional.
            defaults: `{template | html | react, styles, tailwind, output}` for items that do not say otherwise.
            concurrency: most items rendered at any moment.
            webhook_url: told when the batch ends.
            metadata: echoed, at most 4 kB as JSON.
            timezone: an IANA time zone; None means UTC.
            locale: a BCP 47 locale; None means en-US.
            clock: what the time is in templates and documents, with an offset; None means when the batch is accepted.
            missing_assets: what becomes of an item that does not get an asset or a remote resource: "warn", which None
                means, gives it a warning, "error" fails it with ASSET_FAILED.
        """
        optional = {
            "defaults": defaults,
            "concurrency": concurrency,
            "webhook_url": webhook_url,
            "metadata": metadata,
            "timezone": timezone,
            "locale": locale,
            "clock": clock.isoformat() if isinstance(clock, datetime) else clock,
            "missing_assets": missing_assets,
        }
        body = {"items": list(items)} | {name: value for name, value in optional.items() if value is not None}
        return Batch.model_validate(self._transport.create("/v1/batches", body))

    def get(self, batch_id: str) -> Batch:
        """Read a batch with its counts."""
        return Batch.model_validate(self._transport.get(f"/v1/batches/{batch_id}"))

    def cancel(self, batch_id: str) -> Batch:
        """Stop a batch; finished items keep their files."""
        return Batch.model_validate(self._transport.post(f"/v1/batches/{batch_id}:cancel"))

    def retry(
        self,
        batch_id: str,
        *,
        statuses: Sequence[Literal["failed", "cancelled"]] = ("failed",),
        template_version: int | Literal["latest"] | None = None,
        **changes: Any,
    ) -> Batch:
        """Make a new batch of an ended one's failed items; returns at once.

        Args:
            batch_id: the batch whose items are tried again.
            statuses: which of them.
            template_version: what to render; None means the version that they rendered.
            **changes: `webhook_url` and `metadata` of the new batch; what is left out stays as it was, None takes it
                away.
        """
        body = {"statuses": list(statuses), **changes}
        if template_version is not None:
            body["template_version"] = template_version
        return Batch.model_validate(self._transport.create(f"/v1/batches/{batch_id}:retry", body))

    def delete(self, batch_id: str) -> None:
        """Delete an ended batch with its items and files; deleting it again is fine."""
        self._transport.delete(f"/v1/batches/{batch_id}")

    def list(self, *, status: BatchStatus | None = None) -> Iterator[Batch]:
        """All batches, newest first, fetched page by page."""
        params = {"status": status, "limit": PAGE}
        return map(Batch.model_validate, everything(self._transport, "/v1/batches", params))

    def page(
        self, batch_id: str, *, cursor: str | None = None, status: str | None = None, limit: int = PAGE
    ) -> ItemPage:
        """One page of items, by index."""
        params = {"cursor": cursor, "status": status, "limit": limit}
        return ItemPage.model_validate(self._transport.get(f"/v1/batches/{batch_id}/items", params))

    def items(self, batch_id: str, *, status: str | None = None) -> Iterator[Item]:
        """All items, by index, fetched page by page."""
        cursor = None
        while True:
            page = self.page(batch_id, cursor=cursor, status=status)
            yield from page.data
            cursor = page.next_cursor
            if cursor is None:
                return

    def watch(self, batch_id: str) -> Iterator[Batch]:
        """Follow a batch: how it is now, and then each change, at most four a second, until it has ended.

        A connection that breaks is made anew, after the last change that came.
        """
        return changes(self._transport, batch_id)

    def wait(
        self, batch_id: str, on_progress: Callable[[Batch], None] | None = None, timeout: float | None = None
    ) -> Batch:
        """Poll until the batch has ended.

        Args:
            batch_id: what to wait for.
            on_progress: called with the batch after every look at it.
            timeout: seconds until `WaitTimeoutError`; None waits as long as it takes.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = FIRST_POLL_SECONDS
        while True:
            batch = self.get(batch_id)
            if on_progress:
                on_progress(batch)
            if batch.ended:
                return batch
            if deadline is not None and time.monotonic() + pause > deadline:
                raise WaitTimeoutError(f"Batch {batch_id} is still {batch.status} after {timeout:g} seconds.")
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_POLL_SECONDS)

"""Running a table through the API: submit in the plan's limits, follow, fetch, and clean up when interrupted."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pressline_cli.chunks import LARGEST_BATCH, chunks
from pressline_cli.fetch import Fetcher
from pressline_cli.follow import Followed
from pressline_cli.results import Results, unsuccessful
from pressline_cli.shared_options import Environment
from pressline_client import Client, PresslineError, Usage

MOST_BATCHES_AT_ONCE = 4
SHORTEST_POLL_SECONDS = 0.4
CALLS_PER_POLL = 2
SHARE_OF_RATE_LIMIT = 0.6  # the rest is for submitting, and for whatever else uses the key


@dataclass(frozen=True)
class Job:
    """What to render.

    Attributes:
        items: the API's items, in order; taken as they are submitted.
        names: a file name per item.
        defaults: the API's batch defaults.
        folder: where files go.
        environment: the API's timezone, locale and clock.
    """

    items: Iterable[dict[str, Any]]
    names: list[str]
    defaults: dict[str, Any]
    folder: Path
    concurrency: int | None = None
    webhook_url: str | None = None
    environment: Environment = field(default_factory=Environment)


class Runner:
    """Runs one job; afterwards `results` and `batch_ids` tell what happened, also when it was interrupted."""

    def __init__(self, client: Client, job: Job, usage: Usage) -> None:
        self._client = client
        self._job = job
        self._usage = usage
        self._running: list[Followed] = []
        self._submitted = 0
        self.results = Results(len(job.names))
        self.batch_ids: list[str] = []

    def run(self, on_progress: Callable[[Results], None]) -> None:
        """Return when every item has ended and every file is on disk.

        Raises:
            PresslineError: the service refused a call; what still ran has been cancelled, as after any other error.
        """
        limits = self._usage.limits
        waiting = chunks(self._job.items, min(limits.items_per_batch or LARGEST_BATCH, LARGEST_BATCH))
        with Fetcher(self._client, self._job.folder, self.results) as fetcher, self._cancelling_on_error():
            self._submit_more(waiting)
            while self._running:
                for batch in self._running:
                    self._collect(batch, fetcher)
                    on_progress(self.results)
                self._running = [batch for batch in self._running if not batch.finished]
                self._submit_more(waiting)
                if self._running:
                    time.sleep(self._pause())
        on_progress(self.results)

    def _submit_more(self, waiting: Iterator[list[dict[str, Any]]]) -> None:
        most = min(self._usage.limits.concurrent_batches or MOST_BATCHES_AT_ONCE, MOST_BATCHES_AT_ONCE)
        while len(self._running) < most and (items := next(waiting, None)) is not None:
            batch = self._client.batches.create(
                items,
                defaults=self._job.defaults,
                concurrency=self._job.concurrency,
                webhook_url=self._job.webhook_url,
                **self._job.environment,
            )
            self._running.append(Followed(batch.id, self._submitted))
            self.batch_ids.append(batch.id)
            self._submitted += len(items)

    def _collect(self, batch: Followed, fetcher: Fetcher) -> None:
        for item in batch.newly_ended(self._client):
            index = batch.first + item.index
            if item.status == "succeeded":
                fetcher.fetch(index, batch.id, item, self._job.names[index])
            else:
                fetcher.add(unsuccessful(index, batch.id, item))

    def _pause(self) -> float:
        per_minute = self._usage.limits.requests_per_minute
        if not per_minute:
            return SHORTEST_POLL_SECONDS
        return max(SHORTEST_POLL_SECONDS, 60 * CALLS_PER_POLL * len(self._running) / (per_minute * SHARE_OF_RATE_LIMIT))

    @contextlib.contextmanager
    def _cancelling_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            for batch in self._running:
                # The error on its way says more than a second one would.
                with contextlib.suppress(PresslineError):
                    self._client.batches.cancel(batch.id)
            raise

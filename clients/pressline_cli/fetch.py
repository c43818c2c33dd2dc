"""Downloads in the background: a few at a time, with a bounded queue."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from pressline_cli.results import Result, Results, not_downloaded, succeeded
from pressline_client import Client, DownloadError, Item

WORKERS = 4
MOST_QUEUED = 64


class Fetcher:
    """Fetches finished items into a folder and adds each outcome to the results.

    Leaving the context waits for what was queued, or drops it when an error is on its way.
    """

    def __init__(self, client: Client, folder: Path, results: Results) -> None:
        self._client = client
        self._folder = folder
        self._results = results
        self._threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="download")
        self._room = threading.Semaphore(MOST_QUEUED)
        self._lock = threading.Lock()

    def add(self, result: Result) -> None:
        """Take an outcome that needs no download."""
        with self._lock:
            self._results.add(result)

    def fetch(self, index: int, batch_id: str, item: Item, name: str) -> None:
        """Queue a finished item; waits while the queue is full."""
        self._room.acquire()
        self._threads.submit(self._fetch, index, batch_id, item, name)

    def _fetch(self, index: int, batch_id: str, item: Item, name: str) -> None:
        try:
            self.add(self._outcome(index, batch_id, item, name))
        finally:
            self._room.release()

    def _outcome(self, index: int, batch_id: str, item: Item, name: str) -> Result:
        try:
            file = self._client.download(item.url or "", self._folder / name, sha256=item.sha256)
        except (DownloadError, OSError) as error:
            return not_downloaded(index, batch_id, item, str(error))
        return succeeded(index, batch_id, item, file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.shutdown(wait=True, cancel_futures=kind is not None)

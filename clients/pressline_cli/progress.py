"""Showing how far a job is: a live bar on a terminal, a line every few seconds anywhere else."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

LINE_SECONDS = 5


class ProgressView:
    """A context that shows `update`s."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._total = total
        self._started = time.monotonic()
        self._next_line = self._started + LINE_SECONDS
        self._bar = Progress(
            SpinnerColumn(),
            BarColumn(bar_width=36),
            MofNCompleteColumn(),
            TextColumn("{task.description}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("starting", total=total)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def update(self, done: int, failed: int) -> None:
        """Show that so many files are there and so many rows failed."""
        seconds = time.monotonic() - self._started
        text = status_text(done, failed, self._total, seconds)
        self._bar.update(self._task, completed=done + failed, description=text)
        if not self._console.is_terminal and time.monotonic() >= self._next_line:
            self._next_line += LINE_SECONDS
            self._console.print(f"{done + failed} of {self._total}  {text}", highlight=False, soft_wrap=True)


def status_text(done: int, failed: int, total: int, seconds: float) -> str:
    """E.g. `3 failed · 12.5/s · 0:07 left`."""
    ended = done + failed
    parts = [f"{failed} failed"] if failed else []
    if ended and seconds > 0:
        parts.append(f"{ended / seconds:.1f}/s")
        if ended < total:
            left = round((total - ended) * seconds / ended)
            parts.append(f"{left // 60}:{left % 60:02d} left")
    return " · ".join(parts) or "starting"

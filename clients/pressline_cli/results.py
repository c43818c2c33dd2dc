"""What became of every row, and the manifest that says so."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pressline_client import Downloaded, Item

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Result:
    """One row's outcome. `bytes` is the size on disk; `width` and `height` are pixels."""

    index: int
    reference: str | None
    status: str
    batch_id: str
    file: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    width: int | None = None
    height: int | None = None
    pages: int | None = None
    error: dict[str, str | None] | None = None
    warnings: list[str] = field(default_factory=list)


def succeeded(index: int, batch_id: str, item: Item, file: Downloaded) -> Result:
    """A row whose file is on disk."""
    return Result(
        index=index,
        reference=item.reference or None,
        status="succeeded",
        batch_id=batch_id,
        file=file.path.name,
        sha256=file.sha256,
        bytes=file.size,
        width=item.width,
        height=item.height,
        pages=item.pages,
        warnings=item.warnings,
    )


def unsuccessful(index: int, batch_id: str, item: Item) -> Result:
    """A row that failed or was cancelled."""
    error = item.error.model_dump() if item.error else None
    return Result(index, item.reference or None, item.status, batch_id, error=error, warnings=item.warnings)


def not_downloaded(index: int, batch_id: str, item: Item, reason: str) -> Result:
    """A row that was rendered, but whose file could not be fetched."""
    return Result(
        index, item.reference or None, "failed", batch_id, error={"code": "DOWNLOAD_FAILED", "message": reason}
    )


@dataclass
class Results:
    """The outcomes so far, in any order."""

    total: int
    by_index: dict[int, Result] = field(default_factory=dict)
    done: int = 0
    failed: int = 0

    def add(self, result: Result) -> None:
        """Take one row's outcome."""
        self.by_index[result.index] = result
        if result.status == "succeeded":
            self.done += 1
        else:
            self.failed += 1

    @property
    def ordered(self) -> list[Result]:
        """The outcomes by row."""
        return [self.by_index[index] for index in sorted(self.by_index)]

    @property
    def failures(self) -> list[Result]:
        """The rows without a file, by row."""
        return [result for result in self.ordered if result.status != "succeeded"]


def write_manifest(folder: Path, results: Results, about: dict[str, Any]) -> Path:
    """Write `manifest.json`; it appears whole or not at all."""
    content = {
        **about,
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "total": results.total,
        "succeeded": results.done,
        "failed": results.failed,
        "items": [asdict(result) for result in results.ordered],
    }
    path = folder / MANIFEST
    partial = folder / f".{MANIFEST}.part"
    partial.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    os.replace(partial, path)  # noqa: PTH105 - says what it does
    return path

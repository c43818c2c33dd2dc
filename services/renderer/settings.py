"""The renderer's settings."""

from __future__ import annotations

import os
import shutil

from pydantic import Field, field_validator

from services.common.settings import BlobSettings, BusSettings, ListenAddress, SchedulerClientSettings
from services.renderer.egress.settings import EgressSettings

CHROMIUM_NAMES = ("chromium-headless-shell", "chrome-headless-shell", "chromium", "google-chrome")


def default_browsers() -> int:
    """One Chromium per core, at least two: more share a core badly, one alone waits for its own frames."""
    return max(2, min(os.cpu_count() or 1, 16))


class RendererSettings(SchedulerClientSettings, BusSettings, BlobSettings, EgressSettings):
    """Read from the environment when the renderer starts."""

    renderer_health_listen: ListenAddress = Field("127.0.0.1:9092", description="Where health checks are answered.")
    chromium: str = Field("", validate_default=True, description="The Chromium to run; found on PATH when unset.")
    chromium_sandbox: bool = Field(
        default=True, description="Chromium's own sandbox; false only where the kernel denies user namespaces."
    )
    renderer_browsers: int = Field(
        default_factory=default_browsers, ge=1, le=64, description="Chromium processes; one per core when unset."
    )
    renderer_pages: int = Field(2, ge=1, le=16, description="Items that each Chromium renders at once.")
    renderer_recycle_items: int = Field(
        500, ge=1, description="Items after which a Chromium is replaced by a fresh one."
    )
    renderer_smallest_files: bool = Field(
        default=False,
        description="Makes PNG files smaller by up to a quarter, for up to ten times the work of encoding them, and "
        "WebP files by a tenth, for three times the work.",
    )
    renderer_browser_memory_mb: int = Field(
        1536,
        ge=256,
        description="What a Chromium and its pages may take together, in MiB. One that takes more is ended; an item "
        "that takes it alone fails with RESOURCE_LIMIT.",
    )
    renderer_archive_folder: str = Field(
        "", description="Folder, best on a disk, in which PDFs are merged: up to 1 GiB. The temporary one when unset."
    )
    item_timeout_seconds: float = Field(30, gt=0, le=600, description="Longest time that rendering an item may take.")

    @field_validator("chromium")
    @classmethod
    def _find_chromium(cls, value: str) -> str:
        found = shutil.which(value) if value else next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
        if found is None:
            raise ValueError(f"no executable {value!r}" if value else f"none of {', '.join(CHROMIUM_NAMES)} is on PATH")
        return found

"""Requests about archives."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from services.gateway.models.fields import Exact, examples


class ArchiveBody(Exact):
    """What is asked for."""

    model_config = examples({"format": "zip"})

    format: Literal["zip", "pdf"] = Field(
        "zip", description="A ZIP of every file with a manifest, or one PDF with an outline entry for each item."
    )

"""What probes are answered."""

from __future__ import annotations

from pydantic import BaseModel

from services.gateway.models.answers.fields import example


class Health(BaseModel):
    """How the process is."""

    model_config = example(status="ok")

    status: str

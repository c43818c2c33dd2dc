"""Requests about an account's keys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from services.gateway.models.fields import Exact

LONGEST_GRACE_SECONDS = 30 * 24 * 3600


def _moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None or "T" not in value:
        raise PydanticCustomError("moment", "must be a time such as 2030-01-31T12:00:00Z")
    return moment


Moment = Annotated[datetime, BeforeValidator(_moment, json_schema_input_type=str)]
ScopeName = Literal["submit", "read", "admin"]
EVERY_SCOPE: tuple[ScopeName, ...] = ("submit", "read", "admin")


class KeyBody(Exact):
    """A key to make. `pk_test` keys are counted like all others."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    form: Literal["pk_live", "pk_test", "dk_live_sk"] = "pk_live"
    scopes: list[ScopeName] = Field(default_factory=lambda: list(EVERY_SCOPE), min_length=1, max_length=3)
    expires_at: Moment | None = None


class RotationBody(Exact):
    """How a key is replaced: for how long the one before still works."""

    grace_seconds: Annotated[int, Field(ge=0, le=LONGEST_GRACE_SECONDS)] | None = None

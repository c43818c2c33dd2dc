"""Requests about an account's keys, and about what its documents may load."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from services.common import remote_hosts
from services.gateway.models.fields import WHOLE, Exact, examples

LONGEST_GRACE_SECONDS = 30 * 24 * 3600


def _moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None or "T" not in value:
        raise PydanticCustomError("moment", "must be a time such as 2030-01-31T12:00:00Z")
    return moment


_Written = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Moment = Annotated[datetime, BeforeValidator(_moment, json_schema_input_type=_Written)]
ScopeName = Literal["submit", "read", "admin"]
EVERY_SCOPE: tuple[ScopeName, ...] = ("submit", "read", "admin")


class KeyBody(Exact):
    """A key to make. `pk_test` keys are counted like all others."""

    model_config = examples({"name": "ci", "form": "pk_live", "scopes": ["submit", "read"]})

    name: Annotated[str, Field(min_length=1, max_length=100, description="For people.")]
    form: Literal["pk_live", "pk_test", "dk_live_sk"] = Field("pk_live", description="How the key begins.")
    scopes: list[ScopeName] = Field(
        default_factory=lambda: list(EVERY_SCOPE),
        min_length=1,
        max_length=3,
        description="What it may do; everything when left out.",
    )
    expires_at: Moment | None = Field(None, description="When it ends, in the future; never when left out.")


class RotationBody(Exact):
    """How a key is replaced: for how long the one before still works."""

    model_config = examples({"grace_seconds": 3600})

    grace_seconds: Annotated[int, Field(ge=0, le=LONGEST_GRACE_SECONDS), WHOLE] | None = Field(
        None, description="For how long the old key works on; a day when left out."
    )


_Host = Annotated[str, Field(min_length=1, max_length=remote_hosts.MAX_CHARACTERS)]


class EgressBody(Exact):
    """What the account's documents may load over http and https, in batches submitted from then on."""

    model_config = examples({"mode": "allowlist", "hosts": ["cdn.example.com", "*.fonts.example"]}, {"mode": "none"})

    mode: Literal["public", "allowlist", "none"] = Field(
        description="`public`: whatever the installation lets documents load; `allowlist`: of that, only what is on "
        "`hosts`; `none`: nothing."
    )
    hosts: list[_Host] = Field(
        default_factory=list,
        max_length=remote_hosts.MAX_HOSTS,
        description="With `allowlist`, and only then: names (`cdn.example.com`), all names beneath one "
        "(`*.example.com`, which is not `example.com` itself) and numeric addresses.",
    )

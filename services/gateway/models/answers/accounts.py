"""What is answered about an account."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from services.gateway.models.answers.fields import Count, Moment, NextCursor, example

PlanName = Literal["free", "pro", "business", "enterprise"]
Figure = Annotated[int | None, Field(description="Null for no limit.")]
_LIMITS = {"items_per_batch": 100, "concurrent_batches": 3, "requests_per_minute": 300, "renders_per_month": 10000}
_KEY: dict[str, Any] = {
    "id": "key_7k2m9q4x1c8v5b3n",
    "name": "ci",
    "prefix": "pk_live_7k2m",
    "scopes": ["submit", "read"],
    "created_at": "2030-01-31T12:00:00Z",
    "last_used_at": None,
    "expires_at": None,
}
_EGRESS: dict[str, Any] = {"mode": "allowlist", "hosts": ["cdn.example.com", "*.fonts.example"]}
_SECRET = {"secret": "whsec_c2VjcmV0…"}
_EVENT = {
    "id": "aud_7k2m9q4x1c8v5b3n",
    "action": "key.created",
    "actor": "operator",
    "subject": "key_7k2m9q4x1c8v5b3n",
    "at": "2030-01-31T12:00:00Z",
}


class Limits(BaseModel):
    """What a plan allows."""

    items_per_batch: Figure
    concurrent_batches: Figure
    requests_per_minute: Figure
    renders_per_month: Figure


class Key(BaseModel):
    """A key as its owner sees it."""

    id: str
    name: str
    prefix: str = Field(description="Its first characters.")
    scopes: list[Literal["submit", "read", "admin"]]
    created_at: Moment
    last_used_at: Moment | None
    expires_at: Moment | None


class NewKey(Key):
    """A key that was just made."""

    model_config = example(**_KEY, key="pk_live_7k2m9q4x1c8v5b3n7k2m9q4x1c8v5b3n")

    key: str = Field(description="Opens the account; shown here and never again.")


class Keys(BaseModel):
    """All keys that open the account."""

    model_config = example(data=[_KEY], next_cursor=None)

    data: list[Key]
    next_cursor: None


class Egress(BaseModel):
    """What the account's documents may load over http and https, in batches submitted from now on."""

    model_config = example(**_EGRESS)

    mode: Literal["public", "allowlist", "none"]
    hosts: list[str] = Field(description="With `allowlist`: the only hosts that they may load from.")


class Account(BaseModel):
    """The account and the key that asked."""

    model_config = example(
        id="acme", plan="pro", limits=_LIMITS, created_at="2030-01-31T12:00:00Z", key=_KEY, egress=_EGRESS
    )

    id: str
    plan: PlanName
    limits: Limits
    created_at: Moment | None
    key: Key
    egress: Egress


class Usage(BaseModel):
    """What runs now, and this month's renders."""

    model_config = example(
        account_id="acme",
        plan="pro",
        limits=_LIMITS,
        running_batches=1,
        month="2030-01",
        limit=10000,
        used=1200,
        reserved=40,
        remaining=8760,
        resets_at="2030-02-01T00:00:00Z",
    )

    account_id: str
    plan: PlanName
    limits: Limits
    running_batches: Count
    month: str = Field(description="Year and month, in UTC.", pattern=r"^\d{4}-\d{2}$")
    limit: Figure
    used: Count
    reserved: Count = Field(description="By batches that have not ended.")
    remaining: Figure
    resets_at: Moment


class AuditEvent(BaseModel):
    """Something that was done with keys, plan, egress policy, signing secret or assets."""

    id: str
    action: str = Field(description="Such as `key.created` or `plan.changed`.")
    actor: str = Field(description="A key's id, or `operator`.")
    subject: str | None
    at: Moment


class AuditEvents(BaseModel):
    """A page of the audit log, newest first."""

    model_config = example(data=[_EVENT], next_cursor=None)

    data: list[AuditEvent]
    next_cursor: NextCursor


class SigningSecret(BaseModel):
    """The secret that signs webhooks to per-batch URLs."""

    model_config = example(**_SECRET)

    secret: str


class RotatedSecret(SigningSecret):
    """A secret that was just started."""

    model_config = example(**_SECRET, previous_expires_at="2030-02-01T12:00:00Z")

    previous_expires_at: Moment | None = Field(description="Until when the one before signs beside it.")

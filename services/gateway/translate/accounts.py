"""Accounts, keys, signing secrets and the audit log, in snake_case."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pressline.account.v1 import account_pb2
from pressline.webhook.v1 import webhook_pb2
from services.common.scopes import Scope
from services.gateway.models.accounts import EgressBody, KeyBody
from services.gateway.translate.paths import Renames
from services.gateway.translate.values import timestamp

SCOPES: Mapping[int, Scope] = {
    account_pb2.SCOPE_SUBMIT: Scope.SUBMIT,
    account_pb2.SCOPE_READ: Scope.READ,
    account_pb2.SCOPE_ADMIN: Scope.ADMIN,
}
_SCOPE_VALUES: Mapping[str, account_pb2.Scope.ValueType] = {
    Scope.SUBMIT: account_pb2.SCOPE_SUBMIT,
    Scope.READ: account_pb2.SCOPE_READ,
    Scope.ADMIN: account_pb2.SCOPE_ADMIN,
}
_FORMS: Mapping[str, account_pb2.KeyForm.ValueType] = {
    "pk_live": account_pb2.KEY_FORM_PK_LIVE,
    "pk_test": account_pb2.KEY_FORM_PK_TEST,
    "dk_live_sk": account_pb2.KEY_FORM_DK_LIVE_SK,
}
PLANS: Mapping[int, str] = {
    account_pb2.PLAN_FREE: "free",
    account_pb2.PLAN_PRO: "pro",
    account_pb2.PLAN_BUSINESS: "business",
    account_pb2.PLAN_ENTERPRISE: "enterprise",
}
_EGRESS_MODES: Mapping[str, account_pb2.EgressMode.ValueType] = {
    "public": account_pb2.EGRESS_MODE_PUBLIC,
    "allowlist": account_pb2.EGRESS_MODE_ALLOWLIST,
    "none": account_pb2.EGRESS_MODE_NONE,
}
_EGRESS_NAMES = {mode: name for name, mode in _EGRESS_MODES.items()}
RENAMES: Renames = (
    (r"^expire_time$", "expires_at"),
    (r"^grace_period$", "grace_seconds"),
    (r"^egress\.(mode|hosts)", r"\1"),
)


def key_request(body: KeyBody) -> account_pb2.CreateKeyRequest:
    """The key to make."""
    request = account_pb2.CreateKeyRequest(
        name=body.name, form=_FORMS[body.form], scopes=[_SCOPE_VALUES[scope] for scope in body.scopes]
    )
    if body.expires_at is not None:
        request.expire_time.FromDatetime(body.expires_at)
    return request


def rotate_request(key_id: str, grace_seconds: int | None) -> account_pb2.RotateKeyRequest:
    """The key to replace."""
    request = account_pb2.RotateKeyRequest(key_id=key_id)
    if grace_seconds is not None:
        request.grace_period.FromTimedelta(timedelta(seconds=grace_seconds))
    return request


def egress_request(body: EgressBody) -> account_pb2.SetEgressPolicyRequest:
    """The policy to set."""
    policy = account_pb2.EgressPolicy(mode=_EGRESS_MODES[body.mode], hosts=body.hosts)
    return account_pb2.SetEgressPolicyRequest(egress=policy)


def egress(stored: account_pb2.EgressPolicy) -> dict[str, Any]:
    """What documents may load."""
    return {"mode": _EGRESS_NAMES.get(stored.mode), "hosts": list(stored.hosts)}


def account(stored: account_pb2.Account) -> dict[str, Any]:
    """The account and the key that asked."""
    return {
        "id": stored.id,
        "plan": PLANS.get(stored.plan),
        "limits": limits(stored.limits),
        "created_at": timestamp(stored.create_time),
        "key": key(stored.key),
        "egress": egress(stored.egress),
    }


def limits(figures: account_pb2.PlanLimits) -> dict[str, int | None]:
    """A plan's figures; null stands for no limit."""
    return {
        "items_per_batch": figures.items_per_batch or None,
        "concurrent_batches": figures.concurrent_batches or None,
        "requests_per_minute": figures.requests_per_minute or None,
        "renders_per_month": figures.renders_per_month or None,
    }


def key(stored: account_pb2.Key) -> dict[str, Any]:
    """A key as its owner sees it from then on."""
    return {
        "id": stored.id,
        "name": stored.name,
        "prefix": stored.prefix,
        "scopes": [SCOPES[scope].value for scope in stored.scopes],
        "created_at": timestamp(stored.create_time),
        "last_used_at": timestamp(stored.last_use_time),
        "expires_at": timestamp(stored.expire_time),
    }


def new_key(made: account_pb2.CreateKeyResponse) -> dict[str, Any]:
    """A key that was just made, with what opens the account."""
    return {**key(made.key), "key": made.api_key}


def usage(standing: account_pb2.Usage) -> dict[str, Any]:
    """The account's plan, what runs now, and this month's renders; null stands for no limit."""
    use, limit = standing.monthly_use, standing.limits.renders_per_month
    return {
        "account_id": standing.account_id,
        "plan": PLANS.get(standing.plan),
        "limits": limits(standing.limits),
        "running_batches": standing.running_batches,
        "month": use.month,
        "limit": limit or None,
        "used": use.used,
        "reserved": use.reserved,
        "remaining": max(limit - use.used - use.reserved, 0) if limit else None,
        "resets_at": timestamp(use.reset_time),
    }


def audit(listed: account_pb2.ListAuditEventsResponse) -> dict[str, Any]:
    """A page of the audit log."""
    return {"data": [_event(each) for each in listed.events], "next_cursor": listed.next_page_token or None}


def secret(stored: webhook_pb2.SigningSecret) -> dict[str, Any]:
    """A secret that was just started, and until when the one before signs."""
    return {"secret": stored.secret, "previous_expires_at": timestamp(stored.previous_expire_time)}


def _event(stored: account_pb2.AuditEvent) -> dict[str, Any]:
    return {
        "id": stored.id,
        "action": stored.action,
        "actor": stored.actor,
        "subject": stored.subject or None,
        "at": timestamp(stored.time),
    }

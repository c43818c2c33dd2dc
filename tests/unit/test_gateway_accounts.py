"""Accounts, keys and scopes in the gateway, and the table of scopes against the contracts and the routes."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from fastapi.routing import APIRoute
from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import SecretStr, ValidationError

import pressline.account.v1.account_pb2
import pressline.archive.v1.archive_pb2
import pressline.asset.v1.asset_pb2
import pressline.batch.v1.batch_pb2
import pressline.event.v1.event_pb2
import pressline.template.v1.template_pb2
import pressline.webhook.v1.webhook_pb2
from pressline.account.v1 import account_pb2
from services.common import scopes
from services.common.errors import PresslineError, Reason
from services.common.scopes import METHODS, Scope
from services.gateway import access, app
from services.gateway.models.accounts import EgressBody, KeyBody, RotationBody
from services.gateway.scheduler import Stubs
from services.gateway.settings import GatewaySettings
from services.gateway.translate import accounts

PACKAGES = (
    pressline.account.v1.account_pb2,
    pressline.archive.v1.archive_pb2,
    pressline.asset.v1.asset_pb2,
    pressline.batch.v1.batch_pb2,
    pressline.event.v1.event_pb2,
    pressline.template.v1.template_pb2,
    pressline.webhook.v1.webhook_pb2,
)
INTERNAL = {"AdmissionService", "DeliveryService"}
PROBES = ("/healthz", "/readyz")


def test_every_public_method_has_a_scope() -> None:
    public = {
        f"/{service.full_name}/{method.name}"
        for package in PACKAGES
        for service in package.DESCRIPTOR.services_by_name.values()
        if service.name not in INTERNAL
        for method in service.methods
    }
    assert public == set(METHODS)


def test_an_unlisted_method_needs_admin() -> None:
    assert scopes.of_method("/pressline.batch.v1.BatchService/Unheard") is Scope.ADMIN


async def test_every_route_has_its_scopes() -> None:
    settings = GatewaySettings(service_token=SecretStr("x"))
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
        described = app.routes(settings, Stubs(channel, channel), asyncio.Event()).openapi()["paths"]
    listed = {f"{method.upper()} {path}" for path, methods in described.items() for method in methods}
    assert {route for route in listed if not route.endswith(PROBES)} == set(access.ROUTES)


def test_an_unlisted_route_needs_every_scope() -> None:
    async def nothing() -> None: ...

    assert set(access.needed(APIRoute("/v1/unheard", nothing))) == set(Scope)


def test_the_missing_scope_is_named() -> None:
    access.require((Scope.SUBMIT, Scope.READ), {Scope.SUBMIT, Scope.READ})
    with pytest.raises(PresslineError, match="'read'") as caught:
        access.require((Scope.SUBMIT, Scope.READ), {Scope.SUBMIT})
    assert caught.value.reason is Reason.FORBIDDEN


def test_a_key_may_do_everything_unless_told_otherwise() -> None:
    request = accounts.key_request(KeyBody.model_validate({"name": "ci"}))
    assert list(request.scopes) == [account_pb2.SCOPE_SUBMIT, account_pb2.SCOPE_READ, account_pb2.SCOPE_ADMIN]
    assert request.form == account_pb2.KEY_FORM_PK_LIVE
    assert not request.HasField("expire_time")


def test_the_end_of_a_key_is_a_moment_in_any_zone() -> None:
    body = KeyBody.model_validate({"name": "ci", "expires_at": "2030-01-31T12:00:00+02:00"})
    assert accounts.key_request(body).expire_time.ToJsonString() == "2030-01-31T10:00:00Z"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a", "form": "sk_live"}, "form"),
        ({"name": "a", "scopes": []}, "scopes"),
        ({"name": "a", "scopes": ["write"]}, "scopes"),
        ({"name": "a", "scopes": "read"}, "scopes"),
        ({"name": "a", "expires_at": "2030-01-31"}, "expires_at"),
        ({"name": "a", "expires_at": "2030-01-31T12:00:00"}, "expires_at"),
        ({"name": "a", "expires_at": 1}, "expires_at"),
        ({"name": "a", "expire_at": None}, "expire_at"),
    ],
)
def test_keys_are_checked(body: dict[str, object], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        KeyBody.model_validate(body)
    assert [error["loc"][0] for error in caught.value.errors()] == [field]


@pytest.mark.parametrize("grace", [-1, 30 * 86_400 + 1, 1.5, True, "1"])
def test_the_grace_period_is_bounded(grace: object) -> None:
    with pytest.raises(ValidationError):
        RotationBody.model_validate({"grace_seconds": grace})


def test_no_grace_is_not_the_default_grace() -> None:
    assert accounts.rotate_request("key_x", 0).HasField("grace_period")
    assert not accounts.rotate_request("key_x", None).HasField("grace_period")


def test_an_egress_policy_there_and_back() -> None:
    for mode, hosts in (("public", []), ("allowlist", ["cdn.example.com"]), ("none", [])):
        body = EgressBody.model_validate({"mode": mode, "hosts": hosts})
        assert accounts.egress(accounts.egress_request(body).egress) == {"mode": mode, "hosts": hosts}


def usage(limit: int, used: int, reserved: int) -> account_pb2.Usage:
    month = account_pb2.MonthlyUse(
        month="2026-11", used=used, reserved=reserved, reset_time=Timestamp(seconds=1_796_083_200)
    )
    limits = account_pb2.PlanLimits(items_per_batch=10, requests_per_minute=60, renders_per_month=limit)
    return account_pb2.Usage(
        account_id="a", plan=account_pb2.PLAN_FREE, limits=limits, running_batches=3, monthly_use=month
    )


def test_usage_tells_what_remains_and_until_when() -> None:
    assert accounts.usage(usage(1_000, 700, 40)) == {
        "account_id": "a",
        "plan": "free",
        "limits": {
            "items_per_batch": 10,
            "concurrent_batches": None,
            "requests_per_minute": 60,
            "renders_per_month": 1_000,
        },
        "running_batches": 3,
        "month": "2026-11",
        "limit": 1_000,
        "used": 700,
        "reserved": 40,
        "remaining": 260,
        "resets_at": "2026-12-01T00:00:00Z",
    }


def test_no_limit_is_null_and_a_lowered_one_leaves_nothing() -> None:
    unlimited = accounts.usage(usage(0, 700, 40))
    assert (unlimited["limit"], unlimited["remaining"], unlimited["used"]) == (None, None, 700)
    assert accounts.usage(usage(100, 700, 40))["remaining"] == 0

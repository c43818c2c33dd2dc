"""Accounts through the native API: keys, scopes, monthly use, the audit log, signing secrets; and their commands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from pressline_client import verify_webhook
from services.common.scopes import Scope
from services.gateway.access import ROUTES
from tests.support.gateway import api, envelope_paths, until_ended
from tests.support.receiver import receiving
from tests.support.stack import Stack, pressline

KEY_FIELDS = {"id", "name", "prefix", "scopes", "created_at", "last_used_at", "expires_at"}


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx2.Client]:
    with api(stack, account="tests-accounts") as connected:
        yield connected


def made(client: httpx2.Client, **fields: Any) -> dict[str, Any]:
    answer = client.post("/v1/keys", json={"name": "made", **fields})
    assert answer.status_code == 201, answer.text
    key: dict[str, Any] = answer.json()
    return key


@contextmanager
def bearing(client: httpx2.Client, key: str) -> Iterator[httpx2.Client]:
    headers = {"Authorization": f"Bearer {key}"}
    with httpx2.Client(base_url=client.base_url, headers=headers, timeout=60, trust_env=False) as connected:
        yield connected


def opens(client: httpx2.Client, key: str, path: str = "/v1/account") -> bool:
    with bearing(client, key) as connected:
        status = connected.get(path).status_code
    assert status in {200, 401}
    return status == 200


def command(stack: Stack, *arguments: str) -> str:
    return pressline(*arguments, "--data", str(stack.data)).stdout.strip()


@pytest.mark.parametrize("form", ["pk_live", "pk_test", "dk_live_sk"])
def test_every_form_of_key_opens_both_dialects_and_the_native_api(client: httpx2.Client, form: str) -> None:
    key = made(client, form=form)
    assert set(key) == KEY_FIELDS | {"key"}
    assert key["key"].startswith(f"{form}_")
    assert key["key"].startswith(key["prefix"])
    assert all(opens(client, key["key"], path) for path in ("/templates", "/v1/templates", "/v1/batches"))


def test_a_key_is_shown_once(client: httpx2.Client) -> None:
    key = made(client, name="shown once", scopes=["read"], expires_at="2099-01-01T00:00:00Z")
    listed = client.get("/v1/keys")
    (mine,) = [each for each in listed.json()["data"] if each["id"] == key["id"]]
    assert mine == {name: key[name] for name in KEY_FIELDS}
    assert (mine["name"], mine["scopes"], mine["expires_at"]) == ("shown once", ["read"], "2099-01-01T00:00:00Z")
    assert key["key"] not in listed.text


def test_the_account_tells_its_plan_and_the_calling_key(client: httpx2.Client) -> None:
    key = made(client, name="who am I", scopes=["read"])
    with bearing(client, key["key"]) as connected:
        connected.get("/v1/account")
        account = connected.get("/v1/account").json()
    assert set(account) == {"id", "plan", "limits", "created_at", "key", "egress"}
    assert (account["id"], account["plan"]) == ("tests-accounts", "enterprise")
    assert account["limits"] == {
        "items_per_batch": 10_000,
        "concurrent_batches": None,
        "requests_per_minute": 10_000,
        "renders_per_month": None,
    }
    assert (account["key"]["id"], account["key"]["last_used_at"] is not None) == (key["id"], True)


def test_a_revoked_key_is_401_at_once(client: httpx2.Client) -> None:
    key = made(client)
    assert opens(client, key["key"])
    assert client.delete(f"/v1/keys/{key['id']}").status_code == 204
    assert not opens(client, key["key"])
    assert client.delete(f"/v1/keys/{key['id']}").status_code == 404


def test_a_rotated_key_works_on_for_a_day_unless_told_otherwise(client: httpx2.Client) -> None:
    old = made(client, form="dk_live_sk", scopes=["read", "submit"])
    answer = client.post(f"/v1/keys/{old['id']}:rotate")
    assert answer.status_code == 201, answer.text
    new = answer.json()
    assert new["key"].startswith("dk_live_sk_")
    assert (new["name"], sorted(new["scopes"])) == (old["name"], ["read", "submit"])
    assert opens(client, old["key"])
    assert opens(client, new["key"])
    (ends,) = [key["expires_at"] for key in client.get("/v1/keys").json()["data"] if key["id"] == old["id"]]
    left = datetime.fromisoformat(ends) - datetime.now(UTC)
    assert timedelta(hours=23, minutes=59) < left <= timedelta(hours=24)
    assert client.post(f"/v1/keys/{old['id']}:rotate").status_code == 409
    none = client.post(f"/v1/keys/{new['id']}:rotate", json={"grace_seconds": 0})
    assert none.status_code == 201
    assert not opens(client, new["key"])


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "name"),
        ({"name": "a", "scopes": ["write"]}, "scopes[0]"),
        ({"name": "a", "form": "sk"}, "form"),
        ({"name": "a", "expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
        ({"name": "a", "expires_at": "tomorrow"}, "expires_at"),
        ({"name": "a", "plan": "enterprise"}, "plan"),
    ],
)
def test_a_wrong_key_body_names_its_field(client: httpx2.Client, body: dict[str, Any], path: str) -> None:
    assert envelope_paths(client.post("/v1/keys", json=body)) == [path]


def test_a_wrong_grace_period_is_named(client: httpx2.Client) -> None:
    path = f"/v1/keys/{made(client)['id']}:rotate"
    assert envelope_paths(client.post(path, json={"grace_seconds": -1})) == ["grace_seconds"]
    assert client.post(path, content=b"grace_seconds=1").status_code == 415


@pytest.mark.parametrize("route", sorted(ROUTES))
def test_a_key_without_the_scope_is_403_and_the_scope_is_named(client: httpx2.Client, route: str) -> None:
    method, path = route.split(" ")
    needed = ROUTES[route][-1]
    with lacking(client, needed) as connected:
        answer = connected.request(method, path.replace("{", "").replace("}", ""))
    assert answer.status_code == 403, answer.text
    error = answer.json()["error"] if path.startswith("/v1/") else answer.json()
    assert error["code"] == "FORBIDDEN"
    assert repr(needed.value) in error.get("message", error.get("detail"))
    assert answer.headers["x-ratelimit-limit"] == "10000"


_lacking: dict[Scope, str] = {}


@contextmanager
def lacking(client: httpx2.Client, scope: Scope) -> Iterator[httpx2.Client]:
    """A client whose key has every scope but one."""
    if scope not in _lacking:
        _lacking[scope] = made(client, scopes=[other.value for other in Scope if other is not scope])["key"]
    with bearing(client, _lacking[scope]) as connected:
        yield connected


def test_a_submit_key_submits_and_cancels_and_reads_nothing(client: httpx2.Client) -> None:
    key = made(client, scopes=["submit"])["key"]
    with bearing(client, key) as connected:
        created = connected.post("/v1/batches", json={"items": [{"html": "x"}]})
        assert created.status_code == 202, created.text
        batch = f"/v1/batches/{created.json()['id']}"
        assert connected.get(batch).status_code == 403
        assert connected.post(f"{batch}:cancel").status_code in {200, 409}


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({}, ["mode"]),
        ({"mode": "open", "hosts": [1, ""]}, ["hosts[0]", "hosts[1]", "mode"]),
        ({"mode": "allowlist"}, ["hosts"]),
        ({"mode": "allowlist", "hosts": ["x.example"] * 51}, ["hosts"]),
        ({"mode": "allowlist", "hosts": ["x" * 256]}, ["hosts[0]"]),
        ({"mode": "allowlist", "hosts": ["a.example", "*", "http://b.example"]}, ["hosts[1]", "hosts[2]"]),
        ({"mode": "none", "hosts": ["a.example"]}, ["hosts"]),
        ({"mode": "none", "ports": [80]}, ["ports"]),
    ],
)
def test_a_wrong_egress_policy_names_its_fields(client: httpx2.Client, body: dict[str, Any], paths: list[str]) -> None:
    assert sorted(envelope_paths(client.put("/v1/account/egress", json=body))) == paths
    assert client.get("/v1/account").json()["egress"] == {"mode": "public", "hosts": []}


def test_the_egress_policy_is_set_by_request_and_by_command(stack: Stack) -> None:
    with api(stack, account="tests-egress") as account:
        body = {"mode": "allowlist", "hosts": ["CDN.example.com", "*.example.org"]}
        changed = account.put("/v1/account/egress", json=body)
        assert (changed.status_code, changed.json()) == (200, {**body, "hosts": ["cdn.example.com", "*.example.org"]})
        egress = ("accounts", "egress", "--account", "tests-egress", "--mode")
        assert command(stack, *egress, "allowlist", "--host", "one.example", "--host", "two.example") == ""
        listed = {"mode": "allowlist", "hosts": ["one.example", "two.example"]}
        assert account.get("/v1/account").json()["egress"] == listed
        wrong = pressline(*egress, "allowlist", "--host", "one.example:80", "--data", str(stack.data), check=False)
        assert (wrong.returncode, "egress.hosts[0]" in wrong.stderr) == (1, True)
        told = account.get("/v1/audit").json()["data"][0]
        assert (told["actor"], told["subject"]) == ("operator", "allowlist one.example two.example")


def test_the_monthly_limit_refuses_the_whole_batch_with_403(stack: Stack) -> None:
    with api(stack, "free", "tests-month") as free:
        before = free.get("/v1/usage").json()
        assert set(before) == {
            *("account_id", "plan", "limits", "running_batches"),
            *("month", "limit", "used", "reserved", "remaining", "resets_at"),
        }
        now = datetime.now(UTC)
        first = (now.replace(day=1) + timedelta(days=32)).replace(day=1)
        assert (before["month"], before["resets_at"]) == (f"{now:%Y-%m}", f"{first:%Y-%m-%d}T00:00:00Z")
        assert (before["limit"], before["used"], before["remaining"]) == (1_000, 0, 1_000)
        batch = free.post("/v1/batches", json={"items": [{"html": "x"}] * 3 + [{"html": "{{x}}", "data": {}}]}).json()
        until_ended(free, batch["id"])
        after = free.get("/v1/usage").json()
        assert (after["used"], after["reserved"], after["remaining"]) == (3, 0, 997)


def test_the_audit_log_is_paged_newest_first(client: httpx2.Client) -> None:
    key = made(client)
    client.delete(f"/v1/keys/{key['id']}")
    client.get("/v1/webhooks/secret")
    first = client.get("/v1/audit", params={"limit": 2}).json()
    assert len(first["data"]) == 2
    assert first["data"][0].keys() == {"id", "action", "actor", "subject", "at"}
    rest = client.get("/v1/audit", params={"limit": 1000, "cursor": first["next_cursor"]}).json()
    told = [*first["data"], *rest["data"]]
    assert rest["next_cursor"] is None
    assert [event["at"] for event in told] == sorted((event["at"] for event in told), reverse=True)
    assert [event["action"] for event in told if event["subject"] == key["id"]] == ["key.revoked", "key.created"]
    assert "webhook_secret.shown" in {event["action"] for event in told}
    assert envelope_paths(client.get("/v1/audit", params={"cursor": "x"})) == ["cursor"]


def test_a_rotated_webhook_secret_tells_until_when_the_one_before_signs(client: httpx2.Client) -> None:
    before = client.get("/v1/webhooks/secret").json()["secret"]
    answer = client.post("/v1/webhooks/secret:rotate")
    assert answer.status_code == 200, answer.text
    new = answer.json()
    assert new["secret"].startswith("whsec_")
    assert new["secret"] != before
    left = datetime.fromisoformat(new["previous_expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=23, minutes=59) < left <= timedelta(hours=24)
    assert client.get("/v1/webhooks/secret").json()["secret"] == new["secret"]


def test_webhooks_are_signed_with_both_secrets_for_a_day(stack: Stack) -> None:
    with receiving() as receiver, api(stack, account="tests-both-secrets") as account:
        secrets = [account.get("/v1/webhooks/secret").json()["secret"]]
        secrets.append(account.post("/v1/webhooks/secret:rotate").json()["secret"])
        body = {"items": [{"html": "x"}], "webhook_url": receiver.url}
        until_ended(account, account.post("/v1/batches", json=body).json()["id"])
        ((headers, sent),) = receiver.wait(1, 30)
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in secrets:
        assert verify_webhook(headers, sent, secret)["type"] == "batch.completed"


def test_operators_look_after_keys_and_plans_by_command(stack: Stack) -> None:
    account = ("--account", "tests-commands")
    key = command(stack, "keys", "create", *account, "--plan", "pro", "--name", "ci", "--scope", "read")
    assert key.startswith("pk_live_")
    assert "\n" not in key
    (listed,) = json.loads(command(stack, "keys", "list", *account, "--json"))["keys"]
    assert (listed["name"], listed["scopes"], key.startswith(listed["prefix"])) == ("ci", ["read"], True)
    new = command(stack, "keys", "rotate", listed["id"], *account, "--grace-hours", "0")
    (kept,) = json.loads(command(stack, "keys", "list", *account, "--json"))["keys"]
    assert new.startswith(kept["prefix"])
    assert kept["id"] in command(stack, "keys", "list", *account)
    assert command(stack, "accounts", "plan", *account, "--plan", "business") == ""
    with httpx2.Client(base_url=stack.api, timeout=60, trust_env=False) as anonymous:
        assert not opens(anonymous, key)
        with bearing(anonymous, new) as reader:
            assert reader.get("/v1/account").json()["plan"] == "business"
        assert command(stack, "keys", "revoke", kept["id"], *account) == ""
        assert not opens(anonymous, new)
    unknown = pressline("keys", "revoke", kept["id"], *account, "--data", str(stack.data), check=False)
    assert (unknown.returncode, kept["id"] in unknown.stderr) == (1, True)

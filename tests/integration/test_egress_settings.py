"""Setting an account's egress policy over gRPC: who may, what is refused, what is logged, what renderers are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from pressline.account.v1 import account_pb2, account_pb2_grpc
from pressline.account.v1.account_pb2 import (
    EGRESS_MODE_ALLOWLIST,
    EGRESS_MODE_NONE,
    EGRESS_MODE_PUBLIC,
    Account,
    EgressPolicy,
    SetEgressPolicyRequest,
)
from pressline.batch.v1 import batch_pb2
from pressline.task.v1 import task_pb2
from services.common import ids
from services.common.errors import Reason
from tests.support.accounts import bearing, made, refused
from tests.support.scheduler import Client, ReportingRenderer, running_scheduler, scheduler_settings
from tests.support.servers import S3Server, UrlServer

PUBLIC, NONE = EgressPolicy(mode=EGRESS_MODE_PUBLIC), EgressPolicy(mode=EGRESS_MODE_NONE)


@pytest.fixture(scope="module")
async def scheduler(nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server) -> AsyncIterator[Client]:
    async with running_scheduler(scheduler_settings(nats_server, mongodb_server, s3_server)) as anonymous:
        yield anonymous


@pytest.fixture
async def client(scheduler: Client) -> Client:
    """An account of this test's own."""
    return await scheduler.as_account(ids.new("account"))


def listing(*hosts: str) -> EgressPolicy:
    return EgressPolicy(mode=EGRESS_MODE_ALLOWLIST, hosts=hosts)


async def account_of(client: Client) -> Account:
    return await client.account.GetAccount(account_pb2.GetAccountRequest(), metadata=client.auth)


async def set_egress(client: Client, policy: EgressPolicy) -> Account:
    return await client.account.SetEgressPolicy(SetEgressPolicyRequest(egress=policy), metadata=client.auth)


async def logged(client: Client) -> list[tuple[str, str, str]]:
    page = await client.account.ListAuditEvents(account_pb2.ListAuditEventsRequest(), metadata=client.auth)
    return [(each.action, each.actor, each.subject) for each in page.events if each.action == "egress.changed"]


async def test_a_policy_is_set_shown_and_logged(client: Client, scheduler: Client) -> None:
    own = await account_of(client)
    assert own.egress == PUBLIC
    changed = await set_egress(client, listing("CDN.example.com", "*.example.org", "cdn.example.com."))
    assert changed.egress == listing("cdn.example.com", "*.example.org")
    assert (changed.id, changed.key.id) == (own.id, own.key.id)
    assert (await account_of(client)).egress == changed.egress
    # The same again is no change.
    await set_egress(client, changed.egress)
    operators = account_pb2_grpc.AccountServiceStub(scheduler.internal)
    acting = (("x-pressline-account", own.id),)
    await operators.SetEgressPolicy(SetEgressPolicyRequest(egress=NONE), metadata=acting)
    assert (await account_of(client)).egress == NONE
    await set_egress(client, PUBLIC)
    assert await logged(client) == [
        ("egress.changed", own.key.id, "public"),
        ("egress.changed", "operator", "none"),
        ("egress.changed", own.key.id, "allowlist cdn.example.com *.example.org"),
    ]


async def test_a_refused_policy_changes_nothing_and_names_everything(client: Client) -> None:
    error = await refused(set_egress(client, listing("https://example.com", "example.com", "*")))
    assert error.reason is Reason.VALIDATION_ERROR
    assert [each.path for each in error.violations] == ["egress.hosts[0]", "egress.hosts[2]"]
    assert "such as cdn.example.com" in error.message
    error = await refused(client.account.SetEgressPolicy(SetEgressPolicyRequest(), metadata=client.auth))
    assert [each.path for each in error.violations] == ["egress.mode"]
    error = await refused(set_egress(client, listing(*(f"{index}.example" for index in range(51)))))
    assert [(each.path, "50" in each.message) for each in error.violations] == [("egress.hosts", True)]
    reader = (await made(client, scopes=[account_pb2.SCOPE_READ, account_pb2.SCOPE_SUBMIT])).api_key
    assert (await refused(set_egress(bearing(client, reader), NONE))).reason is Reason.FORBIDDEN
    assert (await account_of(client)).egress == PUBLIC
    assert await logged(client) == []


async def test_renderers_are_told_the_policy_of_the_submit_and_a_retry_has_todays(
    client: Client, scheduler: Client, nats_server: UrlServer
) -> None:
    seen: dict[str, EgressPolicy] = {}

    async def fail(task: task_pb2.Task) -> list[batch_pb2.ItemError]:
        seen[task.batch_id] = task.egress
        return [batch_pb2.ItemError(code="ASSET_FAILED", message="no")]

    first = (await client.submit(1)).batch.id
    await set_egress(client, listing("example.com"))
    second = (await client.submit(1)).batch.id
    await set_egress(client, NONE)
    other = await scheduler.as_account(ids.new("account"))
    others = (await other.submit(1)).batch.id
    async with ReportingRenderer(client, nats_server.url, fail).running():
        await asyncio.gather(client.until_ended(first), client.until_ended(second), other.until_ended(others))
        assert seen == {first: PUBLIC, second: listing("example.com"), others: PUBLIC}
        request = batch_pb2.RetryBatchRequest(batch_id=first)
        again = (await client.batches.RetryBatch(request, metadata=client.auth)).batch.id
        await client.until_ended(again)
    assert seen[again] == NONE

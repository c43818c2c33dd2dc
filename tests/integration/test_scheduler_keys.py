"""Keys over gRPC: their forms, their end, their rotation."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from pressline.account.v1 import account_pb2
from pressline.webhook.v1 import webhook_pb2
from services.common import ids
from services.common.errors import Reason
from services.common.rpc_errors import from_rpc_error
from services.scheduler import clock
from services.scheduler.settings import SchedulerSettings
from services.scheduler.store.database import Database
from tests.support.accounts import CreateKey, RevokeKey, RotateKey, made, opens, refused
from tests.support.scheduler import Client, running_scheduler, scheduler_settings
from tests.support.servers import S3Server, UrlServer


@pytest.fixture(scope="module")
def settings(nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server) -> SchedulerSettings:
    return scheduler_settings(nats_server, mongodb_server, s3_server)


@pytest.fixture(scope="module")
async def scheduler(settings: SchedulerSettings) -> AsyncIterator[Client]:
    async with running_scheduler(settings) as anonymous:
        yield anonymous


@pytest.fixture
async def client(scheduler: Client) -> Client:
    """An account of this test's own."""
    return await scheduler.as_account(ids.new("account"))


@pytest.mark.parametrize(
    ("form", "prefix"),
    [
        (account_pb2.KEY_FORM_UNSPECIFIED, "pk_live_"),
        (account_pb2.KEY_FORM_PK_LIVE, "pk_live_"),
        (account_pb2.KEY_FORM_PK_TEST, "pk_test_"),
        (account_pb2.KEY_FORM_DK_LIVE_SK, "dk_live_sk_"),
    ],
)
async def test_each_form_opens_the_account(client: Client, form: Any, prefix: str) -> None:
    answer = await made(client, form=form)
    assert answer.api_key.startswith(prefix)
    assert answer.api_key.startswith(answer.key.prefix)
    assert await opens(client, answer.api_key)


async def test_keys_are_listed_by_what_is_safe_to_show(client: Client) -> None:
    answer = await made(client, scopes=[account_pb2.SCOPE_READ])
    listed = await client.account.ListKeys(account_pb2.ListKeysRequest(), metadata=client.auth)
    assert answer.key in listed.keys
    assert (len(listed.keys), answer.key.name) == (2, "made")
    assert answer.api_key not in str(listed)
    assert client.key not in str(listed)


async def test_nothing_that_opens_the_account_is_stored(client: Client, database: Database) -> None:
    key = (await made(client)).api_key
    rotated = await client.webhooks.RotateSigningSecret(webhook_pb2.RotateSigningSecretRequest(), metadata=client.auth)
    for name in ("keys", "accounts", "audit", "windows"):
        stored = str(await database.collection(name).find({}).to_list(None))
        assert key not in stored
        assert rotated.secret not in stored


async def test_a_revoked_key_opens_nothing_from_the_answer_on(client: Client) -> None:
    answer = await made(client)
    assert await opens(client, answer.api_key)
    await client.account.RevokeKey(RevokeKey(key_id=answer.key.id), metadata=client.auth)
    assert not await opens(client, answer.api_key)
    again = await refused(client.account.RevokeKey(RevokeKey(key_id=answer.key.id), metadata=client.auth))
    assert again.reason is Reason.NOT_FOUND


async def test_a_key_without_an_end_is_there_while_the_clock_goes_on(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = await made(client)
    ticks = itertools.count(clock.now_ms())
    monkeypatch.setattr(clock, "now_ms", lambda: next(ticks))
    await client.account.RevokeKey(RevokeKey(key_id=answer.key.id), metadata=client.auth)
    assert not await opens(client, answer.api_key)


async def test_a_rotated_key_works_through_its_grace_period(client: Client) -> None:
    old = await made(client, form=account_pb2.KEY_FORM_DK_LIVE_SK, scopes=[account_pb2.SCOPE_READ])
    new = await client.account.RotateKey(RotateKey(key_id=old.key.id), metadata=client.auth)
    assert new.api_key.startswith("dk_live_sk_")
    assert (new.key.name, new.key.scopes) == (old.key.name, old.key.scopes)
    assert await opens(client, old.api_key)
    assert await opens(client, new.api_key)
    listed = await client.account.ListKeys(account_pb2.ListKeysRequest(), metadata=client.auth)
    (ends,) = [key.expire_time.seconds for key in listed.keys if key.id == old.key.id]
    assert abs(ends - new.key.create_time.seconds - 86_400) <= 1


async def test_a_rotation_without_grace_ends_the_old_key_at_once(client: Client) -> None:
    old = await made(client)
    request = RotateKey(key_id=old.key.id)
    request.grace_period.FromSeconds(0)
    new = await client.account.RotateKey(request, metadata=client.auth)
    assert not await opens(client, old.api_key)
    assert await opens(client, new.api_key)


async def test_a_key_is_rotated_once_however_many_ask(client: Client) -> None:
    old = await made(client)
    calls = [client.account.RotateKey(RotateKey(key_id=old.key.id), metadata=client.auth) for _ in range(6)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    errors = [from_rpc_error(answer) for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
    assert [error.reason for error in errors] == [Reason.CONFLICT] * 5
    listed = await client.account.ListKeys(account_pb2.ListKeysRequest(), metadata=client.auth)
    assert len(listed.keys) == 3


async def test_a_key_ends_when_it_expires(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    ends_ms = clock.now_ms() + clock.DAY_MS
    answer = await made(client, expire_time=clock.timestamp(ends_ms))
    assert answer.key.expire_time.ToMilliseconds() == ends_ms
    monkeypatch.setattr(clock, "now_ms", lambda: ends_ms - 1)
    assert await opens(client, answer.api_key)
    monkeypatch.setattr(clock, "now_ms", lambda: ends_ms)
    assert not await opens(client, answer.api_key)
    error = await refused(client.account.RevokeKey(RevokeKey(key_id=answer.key.id), metadata=client.auth))
    assert error.reason is Reason.NOT_FOUND


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"name": "x" * 101}, "name"),
        ({"form": 99}, "form"),
        ({"scopes": [account_pb2.SCOPE_READ, 99]}, "scopes[1]"),
        ({"expire_time": Timestamp(seconds=1)}, "expire_time"),
        ({"account_id": "another"}, "account_id"),
        ({"plan": account_pb2.PLAN_ENTERPRISE}, "plan"),
    ],
)
async def test_a_wrong_key_request_names_the_field(client: Client, fields: dict[str, Any], path: str) -> None:
    error = await refused(client.account.CreateKey(CreateKey(**fields), metadata=client.auth))
    assert [violation.path for violation in error.violations] == [path]


async def test_the_last_use_is_noted_to_the_minute(client: Client, database: Database) -> None:
    answer = await made(client)
    assert not answer.key.HasField("last_use_time")
    keys = database.collection("keys")
    assert await opens(client, answer.api_key)
    first = await keys.find_one({"key_id": answer.key.id})
    assert await opens(client, answer.api_key)
    assert first is not None
    assert first["used_ms"] >= answer.key.create_time.ToMilliseconds()
    assert await keys.find_one({"key_id": answer.key.id}) == first
    await keys.update_one({"key_id": answer.key.id}, {"$set": {"used_ms": first["used_ms"] - 61_000}})
    assert await opens(client, answer.api_key)
    later = await keys.find_one({"key_id": answer.key.id})
    assert later is not None
    assert later["used_ms"] >= first["used_ms"]


async def test_another_accounts_keys_are_not_there(client: Client, scheduler: Client) -> None:
    stranger = await scheduler.as_account("stranger")
    key_id = (await made(client)).key.id
    for call in (
        stranger.account.RevokeKey(RevokeKey(key_id=key_id), metadata=stranger.auth),
        stranger.account.RotateKey(RotateKey(key_id=key_id), metadata=stranger.auth),
    ):
        assert (await refused(call)).reason is Reason.NOT_FOUND
    audit = await stranger.account.ListAuditEvents(account_pb2.ListAuditEventsRequest(), metadata=stranger.auth)
    assert key_id not in str(audit)

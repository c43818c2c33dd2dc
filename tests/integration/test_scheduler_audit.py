"""The audit log and signing secrets over gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from pressline.account.v1 import account_pb2
from pressline.webhook.v1 import webhook_pb2
from services.common import ids
from services.common.errors import Reason
from services.scheduler.settings import SchedulerSettings
from services.scheduler.store.database import Database
from tests.support.accounts import RevokeKey, RotateKey, made, refused
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


async def test_the_audit_log_tells_who_did_what_page_by_page(client: Client) -> None:
    actor = (await client.account.GetAccount(account_pb2.GetAccountRequest(), metadata=client.auth)).key.id
    key = await made(client)
    new = await client.account.RotateKey(RotateKey(key_id=key.key.id), metadata=client.auth)
    await client.account.RevokeKey(RevokeKey(key_id=new.key.id), metadata=client.auth)
    for _ in range(3):
        await client.webhooks.GetSigningSecret(webhook_pb2.GetSigningSecretRequest(), metadata=client.auth)
    await client.webhooks.RotateSigningSecret(webhook_pb2.RotateSigningSecretRequest(), metadata=client.auth)
    told: list[account_pb2.AuditEvent] = []
    token = ""
    while True:
        request = account_pb2.ListAuditEventsRequest(page_size=2, page_token=token)
        page = await client.account.ListAuditEvents(request, metadata=client.auth)
        told += page.events
        token = page.next_page_token
        if not token:
            break
    shown = [event for event in told if event.action == "webhook_secret.shown"]
    # Reading again within the minute adds nothing; a new minute may begin once in between.
    assert 1 <= len(shown) <= 2
    assert [(event.action, event.actor, event.subject) for event in told if event not in shown] == [
        ("webhook_secret.rotated", actor, ""),
        ("key.revoked", actor, new.key.id),
        ("key.rotated", actor, key.key.id),
        ("key.created", actor, key.key.id),
        ("key.created", "operator", actor),
    ]
    assert len({event.id for event in told}) == len(told)
    wrong = account_pb2.ListAuditEventsRequest(page_token="1")
    error = await refused(client.account.ListAuditEvents(wrong, metadata=client.auth))
    assert [violation.path for violation in error.violations] == ["page_token"]


async def test_the_audit_log_keeps_ninety_days_and_expired_keys_go(client: Client, database: Database) -> None:
    audit, keys = database.collection("audit"), database.collection("keys")
    key_id = (await made(client)).key.id
    event = await audit.find_one({"subject": key_id})
    assert event is not None
    day = 86_400_000
    kept, old = event["at_ms"] - 89 * day, event["at_ms"] - 91 * day
    await audit.insert_one({**event, "_id": "aud_kept", "at_ms": kept})
    await audit.insert_one({**event, "_id": "aud_old", "at_ms": old})
    await keys.update_one({"key_id": key_id}, {"$set": {"expires_ms": event["at_ms"]}})
    async with asyncio.timeout(60):
        while await audit.find_one({"_id": "aud_old"}) or await keys.find_one({"key_id": key_id}):
            await asyncio.sleep(0.05)
    assert await audit.find_one({"_id": "aud_kept"})


async def test_both_secrets_sign_for_a_day(client: Client, database: Database) -> None:
    ask, rotate = webhook_pb2.GetSigningSecretRequest(), webhook_pb2.RotateSigningSecretRequest()
    before = await client.webhooks.GetSigningSecret(ask, metadata=client.auth)
    assert not before.HasField("previous_expire_time")
    new = await client.webhooks.RotateSigningSecret(rotate, metadata=client.auth)
    assert new.secret != before.secret
    assert (await client.webhooks.GetSigningSecret(ask, metadata=client.auth)) == new
    assert await signing(client) == [new.secret, before.secret]
    account = await client.account.GetAccount(account_pb2.GetAccountRequest(), metadata=client.auth)
    stored = await database.collection("accounts").find_one({"_id": account.id})
    assert stored is not None
    (until,) = stored["old_until_ms"]
    assert until == new.previous_expire_time.ToMilliseconds()
    now = Timestamp()
    now.GetCurrentTime()
    assert 86_390_000 <= until - now.ToMilliseconds() <= 86_400_000
    past = [until - 86_400_001]
    await database.collection("accounts").update_one({"_id": account.id}, {"$set": {"old_until_ms": past}})
    assert await signing(client) == [new.secret]


async def test_a_fourth_rotation_within_a_day_waits(client: Client) -> None:
    rotate = webhook_pb2.RotateSigningSecretRequest()
    secrets = [(await client.webhooks.RotateSigningSecret(rotate, metadata=client.auth)).secret for _ in range(3)]
    error = await refused(client.webhooks.RotateSigningSecret(rotate, metadata=client.auth))
    assert error.reason is Reason.CONFLICT
    assert error.retry_after is not None
    assert 86_000 < error.retry_after <= 86_400
    assert (await signing(client))[:3] == secrets[::-1]


async def signing(client: Client) -> list[str]:
    """The secrets that a notifier is given for a delivery of the account."""
    created = await client.submit(1, webhook_url="https://example.com/hook")
    await client.cancel(created.batch.id)
    lease = webhook_pb2.LeaseDeliveriesRequest(max_deliveries=100)
    lease.lease_duration.FromSeconds(600)
    request = webhook_pb2.ListDeliveriesRequest(batch_id=created.batch.id)
    leased: dict[str, list[str]] = {}
    async with asyncio.timeout(60):
        while True:
            due = (await client.deliveries.LeaseDeliveries(lease)).deliveries
            leased.update({delivery.id: list(delivery.secrets) for delivery in due})
            listed = (await client.webhooks.ListDeliveries(request, metadata=client.auth)).deliveries
            for delivery in listed:
                if delivery.id in leased:
                    return leased[delivery.id]
            await asyncio.sleep(0.05)

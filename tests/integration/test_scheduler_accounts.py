"""Keys, scopes, the audit log and signing secrets over gRPC, with operators on the internal listener."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf import message_factory
from google.protobuf.timestamp_pb2 import Timestamp

from pressline.account.v1 import account_pb2, account_pb2_grpc
from pressline.batch.v1 import batch_pb2
from pressline.event.v1 import event_pb2
from pressline.template.v1 import template_pb2
from pressline.webhook.v1 import webhook_pb2
from services.common.errors import PresslineError, Reason
from services.common.rpc_errors import from_rpc_error
from services.common.scopes import METHODS
from services.scheduler.app import PUBLIC_SERVICES
from services.scheduler.settings import SchedulerSettings
from services.scheduler.store.database import Database
from tests.support.scheduler import Client, running_scheduler, scheduler_settings
from tests.support.servers import S3Server, UrlServer

CONTRACTS = (account_pb2, batch_pb2, event_pb2, template_pb2, webhook_pb2)
SCOPES = {"submit": account_pb2.SCOPE_SUBMIT, "read": account_pb2.SCOPE_READ, "admin": account_pb2.SCOPE_ADMIN}
CreateKey, RotateKey, RevokeKey = (
    account_pb2.CreateKeyRequest,
    account_pb2.RotateKeyRequest,
    account_pb2.RevokeKeyRequest,
)


@pytest.fixture(scope="module")
def settings(nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server) -> SchedulerSettings:
    return scheduler_settings(nats_server, mongodb_server, s3_server)


@pytest.fixture(scope="module")
async def scheduler(settings: SchedulerSettings) -> AsyncIterator[Client]:
    async with running_scheduler(settings) as anonymous:
        yield anonymous


@pytest.fixture
async def client(scheduler: Client, request: pytest.FixtureRequest) -> Client:
    """An account of this test's own."""
    return await scheduler.as_account(f"account-{abs(hash(request.node.name))}")


@pytest.fixture
async def database(settings: SchedulerSettings) -> AsyncIterator[Database]:
    opened = Database(settings.mongodb_url, settings.mongodb_database)
    yield opened
    await opened.close()


async def refused(call: Any) -> PresslineError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return from_rpc_error(caught.value)


async def made(client: Client, **fields: Any) -> account_pb2.CreateKeyResponse:
    return await client.account.CreateKey(CreateKey(name="made", **fields), metadata=client.auth)


def bearing(client: Client, key: str) -> Client:
    return Client(client.public, client.internal, key)


async def opens(client: Client, key: str) -> bool:
    call = client.account.GetAccount(account_pb2.GetAccountRequest(), metadata=bearing(client, key).auth)
    try:
        await call
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.UNAUTHENTICATED:
            raise
        return False
    return True


def public_methods() -> list[Any]:
    services = (service for contract in CONTRACTS for service in contract.DESCRIPTOR.services_by_name.values())
    return [method for service in services if service.full_name in PUBLIC_SERVICES for method in service.methods]


async def called(client: Client, method: Any, metadata: Any) -> None:
    """Call a method with an empty request, whatever its kind."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    request = message_factory.GetMessageClass(method.input_type)
    kind = ("stream" if method.client_streaming else "unary") + ("_stream" if method.server_streaming else "_unary")
    call = getattr(client.public, kind)(
        path,
        request_serializer=request.SerializeToString,
        response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
    )
    argument = iter([request()]) if method.client_streaming else request()
    started = call(argument, metadata=metadata, timeout=20)
    if method.server_streaming:
        async for _ in started:
            return
    else:
        await started


async def test_every_method_refuses_a_key_without_its_scope_and_names_it(client: Client) -> None:
    lacking = {
        lacked: (await made(client, scopes=[value for name, value in SCOPES.items() if name != lacked])).api_key
        for lacked in SCOPES
    }
    for method in public_methods():
        scope = METHODS[f"/{method.containing_service.full_name}/{method.name}"].value
        error = await refused(called(client, method, bearing(client, lacking[scope]).auth))
        assert (error.reason, repr(scope) in error.message) == (Reason.FORBIDDEN, True), method.full_name
        error = await refused(called(client, method, ()))
        assert error.reason is Reason.UNAUTHORIZED, method.full_name


async def test_one_scope_is_enough_for_what_needs_it(client: Client) -> None:
    reader = (await made(client, scopes=[account_pb2.SCOPE_READ])).api_key
    assert await opens(client, reader)
    admitted = await client.admission.Admit(account_pb2.AdmitRequest(api_key=reader))
    assert list(admitted.scopes) == [account_pb2.SCOPE_READ]


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


async def test_a_key_ends_when_it_expires(client: Client) -> None:
    soon = Timestamp()
    soon.GetCurrentTime()
    soon.FromMilliseconds(soon.ToMilliseconds() + 1_500)
    key = (await made(client, expire_time=soon)).api_key
    assert await opens(client, key)
    async with asyncio.timeout(10):
        while await opens(client, key):
            await asyncio.sleep(0.05)
    now = Timestamp()
    now.GetCurrentTime()
    assert now.ToMilliseconds() >= soon.ToMilliseconds()


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


async def test_operators_act_for_an_account_on_the_internal_listener(client: Client, scheduler: Client) -> None:
    own = await client.account.GetAccount(account_pb2.GetAccountRequest(), metadata=client.auth)
    operators = account_pb2_grpc.AccountServiceStub(scheduler.internal)
    account = (("x-pressline-account", own.id),)
    key = await operators.CreateKey(CreateKey(name="by hand"), metadata=account)
    assert await opens(client, key.api_key)
    changed = await scheduler.admission.SetPlan(
        account_pb2.SetPlanRequest(account_id=own.id, plan=account_pb2.PLAN_FREE)
    )
    assert (changed.plan, changed.limits.items_per_batch) == (account_pb2.PLAN_FREE, 10)
    admitted = await scheduler.admission.Admit(account_pb2.AdmitRequest(api_key=key.api_key))
    assert admitted.window.limit == 60
    await operators.RevokeKey(RevokeKey(key_id=key.key.id), metadata=account)
    assert not await opens(client, key.api_key)
    events = (await operators.ListAuditEvents(account_pb2.ListAuditEventsRequest(), metadata=account)).events
    assert [(event.action, event.actor, event.subject) for event in events[:3]] == [
        ("key.revoked", "operator", key.key.id),
        ("plan.changed", "operator", "free"),
        ("key.created", "operator", key.key.id),
    ]
    unknown = (("x-pressline-account", "nobody"),)
    assert (await refused(operators.ListKeys(account_pb2.ListKeysRequest(), metadata=unknown))).reason is (
        Reason.NOT_FOUND
    )
    absent = account_pb2.SetPlanRequest(account_id="nobody", plan=account_pb2.PLAN_FREE)
    assert (await refused(scheduler.admission.SetPlan(absent))).reason is Reason.NOT_FOUND


async def test_the_account_of_metadata_counts_for_nothing_on_the_public_listener(client: Client) -> None:
    call = client.account.ListKeys(account_pb2.ListKeysRequest(), metadata=(("x-pressline-account", "acme"),))
    assert (await refused(call)).reason is Reason.UNAUTHORIZED


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
    async with asyncio.timeout(10):
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
    created = await client.submit(1, webhook_url="http://127.0.0.1:9/hook")
    await client.cancel(created.batch.id)
    lease = webhook_pb2.LeaseDeliveriesRequest(max_deliveries=100)
    lease.lease_duration.FromSeconds(600)
    request = webhook_pb2.ListDeliveriesRequest(batch_id=created.batch.id)
    leased: dict[str, list[str]] = {}
    async with asyncio.timeout(10):
        while True:
            due = (await client.deliveries.LeaseDeliveries(lease)).deliveries
            leased.update({delivery.id: list(delivery.secrets) for delivery in due})
            listed = (await client.webhooks.ListDeliveries(request, metadata=client.auth)).deliveries
            for delivery in listed:
                if delivery.id in leased:
                    return leased[delivery.id]
            await asyncio.sleep(0.05)

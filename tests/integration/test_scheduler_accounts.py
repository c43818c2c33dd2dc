"""Scopes of keys over gRPC, and operators on the internal listener."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from google.protobuf import message_factory

from pressline.account.v1 import account_pb2, account_pb2_grpc
from pressline.archive.v1 import archive_pb2
from pressline.asset.v1 import asset_pb2
from pressline.batch.v1 import batch_pb2
from pressline.event.v1 import event_pb2
from pressline.template.v1 import template_pb2
from pressline.webhook.v1 import webhook_pb2
from services.common import ids
from services.common.errors import Reason
from services.common.scopes import METHODS
from services.scheduler.app import PUBLIC_SERVICES
from services.scheduler.settings import SchedulerSettings
from tests.support.accounts import CreateKey, RevokeKey, bearing, made, opens, refused
from tests.support.scheduler import Client, running_scheduler, scheduler_settings
from tests.support.servers import S3Server, UrlServer

CONTRACTS = (account_pb2, archive_pb2, asset_pb2, batch_pb2, event_pb2, template_pb2, webhook_pb2)
SCOPES = {"submit": account_pb2.SCOPE_SUBMIT, "read": account_pb2.SCOPE_READ, "admin": account_pb2.SCOPE_ADMIN}


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
    started = call(argument, metadata=metadata, timeout=60)
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

"""What subscribers receive: sent by a real notifier to a real receiver."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pressline.webhook.v1 import webhook_pb2
from pressline_client import WebhookError, verify_webhook
from services.common.addresses import AllowList
from services.notifier.app import serve
from services.notifier.settings import NotifierSettings
from services.scheduler.settings import SchedulerSettings
from tests.support.in_process import running
from tests.support.notifier_receivers import Receiver, receiving, status
from tests.support.ports import free_port
from tests.support.scheduler import Client, ReportingRenderer, running_scheduler, scheduler_settings
from tests.support.servers import S3Server, UrlServer

SECONDS = 60
LOCAL = AllowList.parse("127.0.0.0/8")


@asynccontextmanager
async def running_notifier(scheduler: SchedulerSettings) -> AsyncIterator[None]:
    settings = NotifierSettings(
        scheduler_internal_address=scheduler.scheduler_internal_listen,
        service_token=scheduler.service_token,
        nats_url=scheduler.nats_url,
        notifier_health_listen=f"127.0.0.1:{free_port()}",
        webhook_allow=LOCAL,
    )
    async with running(serve, settings):
        yield


@pytest.fixture
async def client(nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server) -> AsyncIterator[Client]:
    settings = scheduler_settings(nats_server, mongodb_server, s3_server, webhook_allow=LOCAL)
    async with running_scheduler(settings) as anonymous, running_notifier(settings):
        client = await anonymous.as_account("acme")
        async with ReportingRenderer(client, nats_server.url).running():
            yield client


async def subscribe(client: Client, url: str) -> webhook_pb2.Subscription:
    request = webhook_pb2.CreateSubscriptionRequest(url=url, events=["batch.completed"])
    return await client.webhooks.CreateSubscription(request, metadata=client.auth)


async def end_batch(client: Client) -> str:
    return (await client.until_ended((await client.submit(1)).batch.id)).id


async def delivery_of(
    client: Client, batch_id: str, state: webhook_pb2.DeliveryState.ValueType
) -> webhook_pb2.Delivery:
    """The batch's one delivery, once it is in this state."""
    request = webhook_pb2.ListDeliveriesRequest(batch_id=batch_id)
    async with asyncio.timeout(SECONDS):
        while True:
            found = (await client.webhooks.ListDeliveries(request, metadata=client.auth)).deliveries
            if [each.state for each in found] == [state]:
                return found[0]
            await asyncio.sleep(0.05)


async def until_received(receiver: Receiver, count: int) -> None:
    async with asyncio.timeout(SECONDS):
        while len(receiver.received) < count:
            await asyncio.sleep(0.02)


async def test_a_subscriber_is_sent_what_its_own_secret_signs_and_again_on_request(client: Client) -> None:
    async with receiving() as receiver:
        secret = (await subscribe(client, receiver.url)).secret
        batch_id = await end_batch(client)
        delivery = await delivery_of(client, batch_id, webhook_pb2.DELIVERY_STATE_DELIVERED)
        resend = webhook_pb2.ResendDeliveryRequest(delivery_id=delivery.id)
        await client.webhooks.ResendDelivery(resend, metadata=client.auth)
        await until_received(receiver, 2)
        again = await delivery_of(client, batch_id, webhook_pb2.DELIVERY_STATE_DELIVERED)
    first, second = receiver.received
    assert verify_webhook(first.headers, first.body, secret)["data"]["id"] == batch_id
    assert verify_webhook(second.headers, second.body, secret)["data"]["id"] == batch_id
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    assert [attempt.status_code for attempt in again.attempts] == [200, 200]
    request = webhook_pb2.GetSigningSecretRequest()
    account = await client.webhooks.GetSigningSecret(request, metadata=client.auth)
    with pytest.raises(WebhookError):
        verify_webhook(first.headers, first.body, account.secret)


async def test_410_ends_a_subscription(client: Client) -> None:
    async with receiving(status(410)) as receiver:
        await subscribe(client, receiver.url)
        await delivery_of(client, await end_batch(client), webhook_pb2.DELIVERY_STATE_DISABLED)
        request = webhook_pb2.ListSubscriptionsRequest()
        async with asyncio.timeout(SECONDS):
            while (
                not (await client.webhooks.ListSubscriptions(request, metadata=client.auth)).subscriptions[0].disabled
            ):
                await asyncio.sleep(0.05)
    assert len(receiver.received) == 1

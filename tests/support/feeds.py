"""A system whose feed, deliveries and subscriptions are read over REST."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2

from pressline.webhook.v1 import webhook_pb2
from services.scheduler.settings import SchedulerSettings
from tests.support.scheduler import Client, ReportingRenderer

HOOK = "https://example.com/hook"


BODY = {"url": HOOK, "events": ["batch.completed"]}


class System:
    """A scheduler and a gateway; each test has an account of its own."""

    def __init__(self, anonymous: Client, rest_url: str, settings: SchedulerSettings, nats_url: str) -> None:
        self.anonymous, self.rest_url, self.settings, self.nats_url = anonymous, rest_url, settings, nats_url

    async def end(self, client: Client, count: int = 1, webhook_url: str = "") -> list[str]:
        """Submit batches and see them end."""
        async with ReportingRenderer(client, self.nats_url).running():
            made = [(await client.submit(1, webhook_url=webhook_url)).batch.id for _ in range(count)]
            for batch_id in made:
                await client.until_ended(batch_id)
        return made


async def feed_of(rest: httpx2.AsyncClient, count: int, **params: int) -> dict[str, Any]:
    """A page of the feed once it has so many events: an event may follow the end of its batch by a moment."""
    async with asyncio.timeout(60):
        while True:
            page: dict[str, Any] = (await rest.get("/v1/events", params=params)).json()
            if len(page["data"]) >= count:
                return page
            await asyncio.sleep(0.05)


async def due(client: Client) -> list[webhook_pb2.DueDelivery]:
    """What notifiers would send now for this account."""
    request = webhook_pb2.LeaseDeliveriesRequest(max_deliveries=100)
    request.lease_duration.FromSeconds(1)
    return list((await client.deliveries.LeaseDeliveries(request)).deliveries)


async def record(
    client: Client, delivery: webhook_pb2.DueDelivery, state: webhook_pb2.DeliveryState.ValueType, status: int
) -> None:
    attempt = webhook_pb2.Attempt(status_code=status)
    attempt.start_time.GetCurrentTime()
    await client.deliveries.RecordAttempt(
        webhook_pb2.RecordAttemptRequest(id=delivery.id, token=delivery.token, attempt=attempt, state=state)
    )


async def state_of(rest: httpx2.AsyncClient, batch_id: str) -> str:
    (delivery,) = (await rest.get(f"/v1/batches/{batch_id}/deliveries")).json()["data"]
    return str(delivery["state"])

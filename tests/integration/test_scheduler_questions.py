"""What a scheduler asks of its database, at work and at rest."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pymongo.asynchronous.collection import AsyncCollection

from tests.support.scheduler import ReportingRenderer, running_scheduler, scheduler_settings
from tests.support.servers import S3Server, UrlServer

ROUNDS = 3


async def test_nothing_is_asked_of_no_ids(
    nats_server: UrlServer, mongodb_server: UrlServer, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    # There are servers that read a whole collection to find nothing.
    asked: list[tuple[str, Any]] = []
    for name in ("find", "find_one", "delete_many", "update_many", "aggregate"):
        whole = getattr(AsyncCollection, name)

        def noted(self: Any, query: Any = None, *rest: Any, whole: Any = whole, **named: Any) -> Any:
            asked.append((self.name, query))
            return whole(self, query, *rest, **named)

        monkeypatch.setattr(AsyncCollection, name, noted)
    settings = scheduler_settings(nats_server, mongodb_server, s3_server, sweep_seconds=0.2)
    async with running_scheduler(settings) as anonymous:
        client = await anonymous.as_account("acme")
        batch = (await client.submit(3)).batch.id
        async with ReportingRenderer(client, nats_server.url).running():
            await client.until_ended(batch)
        before = count(asked, "tombstones")
        async with asyncio.timeout(60):
            while count(asked, "tombstones") < before + ROUNDS:
                await asyncio.sleep(0.05)
    assert {"batches", "items", "sources", "asset_sets", "tombstones"} <= {collection for collection, _ in asked}
    assert [each for each in asked if "'$in': []" in repr(each)] == []


def count(asked: list[tuple[str, Any]], collection: str) -> int:
    return sum(name == collection for name, _ in asked)

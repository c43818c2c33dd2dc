"""Two replicas of everything, restarted one after the other while requests never stop."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from pressline_client import Client, Item
from tests.support.replicas import Replica, ScaledOut, scaled_out
from tests.support.servers import S3Server, UrlServer
from tests.support.steady_load import SteadyLoad, steady_load

SERVICES = ("gateway", "scheduler", "renderer", "notifier")
WARM_SECONDS = 60


@pytest.fixture(scope="module")
def replicas(
    nats_server: UrlServer,
    mongodb_server: UrlServer,
    s3_server: S3Server,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ScaledOut]:
    servers = (nats_server, mongodb_server, s3_server)
    with scaled_out(servers, tmp_path_factory.mktemp("logs"), renderers=2, notifiers=2) as running:
        yield running


@pytest.mark.timeout(600)
def test_a_rolling_restart_fails_no_request_and_renders_nothing_twice(replicas: ScaledOut) -> None:
    key = replicas.key("rolling")
    with steady_load(replicas.gateways, key) as load:
        until_warm(load)
        stopped = [restarted(replica) for service in SERVICES for replica in replicas.of(service)]
    print(f"{load.requests} requests, {len(load.batches)} batches")  # noqa: T201 - worth reading
    assert load.failures == []
    assert load.lost == []
    with Client(replicas.gateways[0], key) as client:
        items = [item for batch_id in load.batches for item in client.batches.items(batch_id)]
    assert {item.status for item in items} == {"succeeded"}
    in_flight = [item for item in items if any(was_in_flight(item, moment) for moment in stopped)]
    print(f"{len(in_flight)} items were in flight when a process was stopped")  # noqa: T201 - likewise
    assert in_flight
    assert [item for item in items if item.attempts != 1] == []


def until_warm(load: SteadyLoad) -> None:
    """Wait until there are batches."""
    deadline = time.monotonic() + WARM_SECONDS
    while len(load.batches) < 3:
        assert time.monotonic() < deadline, load.failures
        time.sleep(0.1)


def restarted(replica: Replica) -> datetime:
    """Stop a process politely and start it again; when it was told to stop."""
    moment = datetime.now(UTC)
    replica.stop()
    replica.start()
    return moment


def was_in_flight(item: Item, moment: datetime) -> bool:
    """Whether a renderer had an item then."""
    return bool(item.claimed_at and item.finished_at and item.claimed_at <= moment < item.finished_at)

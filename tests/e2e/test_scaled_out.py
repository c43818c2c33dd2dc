"""Two gateways, two schedulers, two notifiers and four renderers, started by hand on the same servers."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from itertools import pairwise

import pytest

from pressline_client import Client, Item
from tests.support.batches import assert_each_item_once, submit
from tests.support.receiver import receiving
from tests.support.replicas import ScaledOut, scaled_out
from tests.support.servers import S3Server, UrlServer


@pytest.fixture(scope="module")
def replicas(
    nats_server: UrlServer,
    mongodb_server: UrlServer,
    s3_server: S3Server,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ScaledOut]:
    servers = (nats_server, mongodb_server, s3_server)
    with scaled_out(servers, tmp_path_factory.mktemp("logs"), renderers=4, notifiers=2) as running:
        yield running


@pytest.mark.timeout(240)
def test_replicas_share_the_work_and_tell_the_same_story(replicas: ScaledOut) -> None:
    key = replicas.key("shared")
    with (
        receiving() as receiver,
        Client(replicas.gateways[0], key) as one,
        Client(replicas.gateways[1], key) as other,
    ):
        batches = [submit(client, 40, webhook_url=receiver.url).id for client in (one, other, one)]
        for batch_id in batches:
            assert other.batches.wait(batch_id, timeout=120).status == "completed"
            assert_each_item_once(one, batch_id, 40)
            assert one.batches.get(batch_id) == other.batches.get(batch_id)
        ids = [headers["webhook-id"] for headers, _ in receiver.wait(3, 30)]
    assert len(set(ids)) == len(ids) == 3
    attempts = [item.attempts for batch_id in batches for item in one_pass(replicas, key, batch_id)]
    assert attempts == [1] * 120


def one_pass(replicas: ScaledOut, key: str, batch_id: str) -> list[Item]:
    with Client(replicas.gateways[1], key) as client:
        return list(client.batches.items(batch_id))


@pytest.mark.timeout(120)
def test_the_request_window_is_one_for_both_gateways(replicas: ScaledOut) -> None:
    key = replicas.key("window")
    remaining = []
    for number in range(6):
        request = urllib.request.Request(
            f"{replicas.gateways[number % 2]}/v1/usage", headers={"authorization": f"Bearer {key}"}
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            remaining.append(int(response.headers["X-RateLimit-Remaining"]))
    falls = [before - after for before, after in pairwise(remaining)]
    # A new minute may begin once in between.
    assert sum(fall == 1 for fall in falls) >= 4

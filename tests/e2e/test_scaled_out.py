"""Two gateways, two schedulers, two notifiers and four renderers, started by hand on the same servers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import grpc
import pytest

from pressline.account.v1 import account_pb2, account_pb2_grpc
from pressline_client import Client, Item
from tests.support.batches import assert_each_item_once, submit
from tests.support.receiver import receiving
from tests.support.servers import S3Server, UrlServer
from tests.support.stack import free_ports

TOKEN = "scaled-out"
READY_SECONDS = 60
STOP_SECONDS = 40


@contextmanager
def process(name: str, env: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One service, stopped at the end; it must end cleanly."""
    script = Path(sys.executable).parent / f"pressline-{name}"
    with log.open("wb") as output:
        running = subprocess.Popen([script], env={**os.environ, **env}, stdout=output, stderr=output)
        try:
            yield running
        finally:
            running.send_signal(signal.SIGTERM)
            assert running.wait(STOP_SECONDS) == 0, log.read_text()


@dataclass(frozen=True)
class ScaledOut:
    """Addresses of both replicas."""

    gateways: tuple[str, str]
    internal: str

    def key(self, account: str) -> str:
        metadata = (("x-pressline-service-token", TOKEN),)
        with grpc.insecure_channel(self.internal.split(",", maxsplit=1)[0]) as channel:
            stub = account_pb2_grpc.AdmissionServiceStub(channel)
            request = account_pb2.CreateKeyRequest(account_id=account, plan=account_pb2.PLAN_ENTERPRISE)
            return stub.CreateKey(request, metadata=metadata, timeout=20, wait_for_ready=True).api_key


@pytest.fixture(scope="module")
def replicas(
    nats_server: UrlServer,
    mongodb_server: UrlServer,
    s3_server: S3Server,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ScaledOut]:
    logs = tmp_path_factory.mktemp("logs")
    ports = [f"127.0.0.1:{port}" for port in free_ports(12)]
    public, internal, gateways = ports[0:2], ports[2:4], ports[4:6]
    shared = {
        "PRESSLINE_SERVICE_TOKEN": TOKEN,
        "PRESSLINE_SECRET_KEY": "cd" * 32,
        "PRESSLINE_NATS_URL": nats_server.url,
        "PRESSLINE_MONGODB_URL": mongodb_server.url,
        "PRESSLINE_MONGODB_DATABASE": "scaled_out",
        "PRESSLINE_S3_URL": s3_server.url,
        "PRESSLINE_S3_ACCESS_KEY": s3_server.access_key,
        "PRESSLINE_S3_SECRET_KEY": s3_server.secret_key,
        "PRESSLINE_S3_BUCKET": s3_server.bucket,
        "PRESSLINE_SCHEDULER_ADDRESS": ",".join(public),
        "PRESSLINE_SCHEDULER_INTERNAL_ADDRESS": ",".join(internal),
        "PRESSLINE_WEBHOOK_ALLOW": "127.0.0.0/8",
        "PRESSLINE_RENDERER_BROWSERS": "1",
        "PRESSLINE_RENDERER_PAGES": "2",
    }
    services = [
        *(
            ("scheduler", {"PRESSLINE_SCHEDULER_LISTEN": public[i], "PRESSLINE_SCHEDULER_INTERNAL_LISTEN": internal[i]})
            for i in range(2)
        ),
        *(("gateway", {"PRESSLINE_GATEWAY_LISTEN": gateways[i]}) for i in range(2)),
        *(("renderer", {"PRESSLINE_RENDERER_HEALTH_LISTEN": port}) for port in ports[6:10]),
        *(("notifier", {"PRESSLINE_NOTIFIER_HEALTH_LISTEN": port}) for port in ports[10:12]),
    ]
    with ExitStack() as running:
        for number, (name, settings) in enumerate(services):
            running.enter_context(process(name, {**shared, **settings}, logs / f"{name}-{number}.log"))
        for gateway in gateways:
            until_ready(f"http://{gateway}/readyz")
        yield ScaledOut((f"http://{gateways[0]}", f"http://{gateways[1]}"), ",".join(internal))


def until_ready(url: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            assert time.monotonic() < deadline, url
            time.sleep(0.1)


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
        with urllib.request.urlopen(request, timeout=20) as response:
            remaining.append(int(response.headers["X-RateLimit-Remaining"]))
    falls = [before - after for before, after in pairwise(remaining)]
    # A new minute may begin once in between.
    assert sum(fall == 1 for fall in falls) >= 4

"""Several processes of each service on the same servers, started by hand."""

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
from pathlib import Path

import grpc

from pressline.account.v1 import account_pb2, account_pb2_grpc
from tests.support.servers import S3Server, UrlServer
from tests.support.stack import free_ports

TOKEN = "scaled-out"
READY_SECONDS = 60
STOP_SECONDS = 40


@dataclass(frozen=True)
class ScaledOut:
    """Addresses of both replicas."""

    gateways: tuple[str, str]
    internal: str

    def key(self, account: str, plan: account_pb2.Plan.ValueType = account_pb2.PLAN_ENTERPRISE) -> str:
        """A new API key."""
        metadata = (("x-pressline-service-token", TOKEN),)
        with grpc.insecure_channel(self.internal.split(",", maxsplit=1)[0]) as channel:
            stub = account_pb2_grpc.AdmissionServiceStub(channel)
            request = account_pb2.CreateKeyRequest(account_id=account, plan=plan)
            return stub.CreateKey(request, metadata=metadata, timeout=20, wait_for_ready=True).api_key


@contextmanager
def scaled_out(
    servers: tuple[UrlServer, UrlServer, S3Server], logs: Path, *, renderers: int = 0, notifiers: int = 0
) -> Iterator[ScaledOut]:
    """Two gateways and two schedulers, with as many workers as are asked for.

    Args:
        servers: NATS, MongoDB and object storage.
        logs: a folder for what the processes say.
        renderers: how many.
        notifiers: how many.
    """
    nats, mongodb, s3 = servers
    ports = [f"127.0.0.1:{port}" for port in free_ports(6 + renderers + notifiers)]
    public, internal, gateways, workers = ports[0:2], ports[2:4], ports[4:6], ports[6:]
    shared = {
        "PRESSLINE_SERVICE_TOKEN": TOKEN,
        "PRESSLINE_SECRET_KEY": "cd" * 32,
        "PRESSLINE_NATS_URL": nats.url,
        "PRESSLINE_MONGODB_URL": mongodb.url,
        "PRESSLINE_MONGODB_DATABASE": "scaled_out",
        "PRESSLINE_S3_URL": s3.url,
        "PRESSLINE_S3_ACCESS_KEY": s3.access_key,
        "PRESSLINE_S3_SECRET_KEY": s3.secret_key,
        "PRESSLINE_S3_BUCKET": s3.bucket,
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
        *(("renderer", {"PRESSLINE_RENDERER_HEALTH_LISTEN": port}) for port in workers[:renderers]),
        *(("notifier", {"PRESSLINE_NOTIFIER_HEALTH_LISTEN": port}) for port in workers[renderers:]),
    ]
    with ExitStack() as running:
        for number, (name, settings) in enumerate(services):
            running.enter_context(_process(name, {**shared, **settings}, logs / f"{name}-{number}.log"))
        for gateway in gateways:
            _until_ready(f"http://{gateway}/readyz")
        yield ScaledOut((f"http://{gateways[0]}", f"http://{gateways[1]}"), ",".join(internal))


@contextmanager
def _process(name: str, env: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One service, stopped at the end; it must end cleanly."""
    script = Path(sys.executable).parent / f"pressline-{name}"
    with log.open("wb") as output:
        running = subprocess.Popen([script], env={**os.environ, **env}, stdout=output, stderr=output)
        try:
            yield running
        finally:
            running.send_signal(signal.SIGTERM)
            assert running.wait(STOP_SECONDS) == 0, log.read_text()


def _until_ready(url: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            assert time.monotonic() < deadline, url
            time.sleep(0.1)

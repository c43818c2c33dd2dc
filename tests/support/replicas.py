"""Several processes of each service on the same servers, started by hand and restarted when told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from pressline.account.v1 import account_pb2, account_pb2_grpc
from tests.support.servers import S3Server, UrlServer
from tests.support.stack import free_ports

TOKEN = "scaled-out"
READY_SECONDS = 180
STOP_SECONDS = 60
PROBE_SECONDS = 10


class Replica:
    """One process of a service.

    Args:
        name: the service.
        address: where it tells how it is.
        env: its settings.
        log: what it says.
    """

    def __init__(self, name: str, address: str, env: Mapping[str, str], log: Path) -> None:
        self.name = name
        self._probe: Callable[[str], None] = _readyz if name == "gateway" else _health
        self._address = address
        self._env = {**os.environ, **env}
        self._log = log
        self.process = self._started()

    def stop(self) -> None:
        """SIGTERM; it must end cleanly."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(STOP_SECONDS) == 0, self._log.read_text()

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()

    def start(self) -> None:
        """Start it again, until it is ready."""
        self.process = self._started()
        self.until_ready()

    def until_ready(self) -> None:
        """Wait until it says that it is ready."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                return self._probe(self._address)
            except (OSError, grpc.RpcError):
                assert self.process.poll() is None, self._log.read_text()
                assert time.monotonic() < deadline, self._log.read_text()
                time.sleep(0.1)

    def _started(self) -> subprocess.Popen[bytes]:
        script = Path(sys.executable).parent / f"pressline-{self.name}"
        with self._log.open("ab") as output:
            return subprocess.Popen([script], env=self._env, stdout=output, stderr=output)


@dataclass(frozen=True)
class ScaledOut:
    """Addresses of both replicas, and all processes."""

    gateways: tuple[str, str]
    public: str
    internal: str
    processes: list[Replica]

    def of(self, name: str) -> list[Replica]:
        """The processes of a service."""
        return [each for each in self.processes if each.name == name]

    def key(self, account: str, plan: account_pb2.Plan.ValueType = account_pb2.PLAN_ENTERPRISE) -> str:
        """A new API key."""
        metadata = (("x-pressline-service-token", TOKEN),)
        with grpc.insecure_channel(self.internal.split(",", maxsplit=1)[0]) as channel:
            stub = account_pb2_grpc.AdmissionServiceStub(channel)
            request = account_pb2.CreateKeyRequest(account_id=account, plan=plan)
            return stub.CreateKey(request, metadata=metadata, timeout=20, wait_for_ready=True).api_key


@contextmanager
def scaled_out(
    servers: tuple[UrlServer, UrlServer, S3Server],
    logs: Path,
    *,
    renderers: int = 0,
    notifiers: int = 0,
    env: Mapping[str, str] | None = None,
) -> Iterator[ScaledOut]:
    """Two gateways and two schedulers, with as many workers as are asked for.

    Args:
        servers: NATS, MongoDB and object storage.
        logs: a folder for what the processes say.
        renderers: how many.
        notifiers: how many.
        env: more settings.
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
        **(env or {}),
    }
    services = [
        *(
            (
                "scheduler",
                internal[i],
                {"PRESSLINE_SCHEDULER_LISTEN": public[i], "PRESSLINE_SCHEDULER_INTERNAL_LISTEN": internal[i]},
            )
            for i in range(2)
        ),
        *(("gateway", at, {"PRESSLINE_GATEWAY_LISTEN": at}) for at in gateways),
        *(("renderer", at, {"PRESSLINE_RENDERER_HEALTH_LISTEN": at}) for at in workers[:renderers]),
        *(("notifier", at, {"PRESSLINE_NOTIFIER_HEALTH_LISTEN": at}) for at in workers[renderers:]),
    ]
    with ExitStack() as running:
        started = []
        for number, (name, address, settings) in enumerate(services):
            replica = Replica(name, address, {**shared, **settings}, logs / f"{name}-{number}.log")
            running.callback(replica.stop)
            started.append(replica)
        for replica in started:
            replica.until_ready()
        urls = (f"http://{gateways[0]}", f"http://{gateways[1]}")
        yield ScaledOut(urls, ",".join(public), ",".join(internal), started)


def _readyz(address: str) -> None:
    try:
        urllib.request.urlopen(f"http://{address}/readyz", timeout=PROBE_SECONDS).close()
    except urllib.error.HTTPError as error:
        error.close()
        raise


def _health(address: str) -> None:
    with grpc.insecure_channel(address) as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=PROBE_SECONDS)
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        raise ConnectionError(f"{address} does not serve")

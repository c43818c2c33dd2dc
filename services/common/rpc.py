"""gRPC servers and clients as every service uses them."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from services.common import lifecycle
from services.common.errors import PresslineError, Reason
from services.common.interceptors import client_interceptors, server_interceptors
from services.common.tls import ChannelTls, ListenerTls, grpc_credentials

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
# An answer may hold a page of a thousand items with the signed addresses of ten layouts each.
MAX_ANSWER_BYTES = 32 * 1024 * 1024

# What clients that watch a server's health have to look elsewhere once it says that it stops: news and calls that are
# on their way meanwhile arrive.
NOTICE_SECONDS = 1.0

# Health is watched, so that a server that stops is called no more before it refuses calls.
# Calls wait for a scheduler that is restarting until their deadline. Creating calls
# are never repeated by the transport: only their caller knows whether that is safe.
_SERVICE_CONFIG = json.dumps(
    {
        "loadBalancingConfig": [{"round_robin": {}}],
        "healthCheckConfig": {"serviceName": ""},
        "methodConfig": [
            {
                "name": [
                    {"service": "pressline.batch.v1.BatchService", "method": "CreateBatch"},
                    {"service": "pressline.batch.v1.BatchService", "method": "RetryBatch"},
                    {"service": "pressline.template.v1.TemplateService", "method": "CreateTemplate"},
                    {"service": "pressline.template.v1.TemplateService", "method": "UpdateTemplate"},
                    {"service": "pressline.account.v1.AdmissionService", "method": "CreateKey"},
                    {"service": "pressline.webhook.v1.WebhookService", "method": "CreateSubscription"},
                    {"service": "pressline.account.v1.AccountService", "method": "CreateKey"},
                    {"service": "pressline.account.v1.AccountService", "method": "RotateKey"},
                    {"service": "pressline.webhook.v1.WebhookService", "method": "RotateSigningSecret"},
                ],
                "waitForReady": True,
            },
            {
                "name": [{}],
                "waitForReady": True,
                "retryPolicy": {
                    "maxAttempts": 5,
                    "initialBackoff": "0.1s",
                    "maxBackoff": "2s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            },
        ],
    }
)


class Server:
    """A gRPC listener with health, reflection and the one error model.

    Args:
        address: host:port to listen on.
        token: when given, every call but health must carry it.
        unavailable: failures of a backend, answered with SERVICE_UNAVAILABLE.
        tls: what it shows and asks for; plain connections when None.
    """

    def __init__(
        self,
        address: str,
        token: str | None = None,
        unavailable: tuple[type[Exception], ...] = (),
        tls: ListenerTls | None = None,
    ) -> None:
        self.address = address
        self._tls = tls
        self._health = _Health()
        options = [
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.so_reuseport", 0),
            # Our clients ping every 20 s, which servers take for abuse unless told otherwise.
            ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
            # Without a call they allow one in two hours all the same, and a connection closed for it takes calls along.
            ("grpc.http2.max_ping_strikes", 0),
            # A client that connects anew looks its servers up anew, and so finds replicas that came since.
            ("grpc.max_connection_age_ms", 300_000),
            ("grpc.max_connection_age_grace_ms", 60_000),
        ]
        self.grpc = grpc.aio.server(interceptors=server_interceptors(token, unavailable), options=options)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self.grpc)

    async def start(self, *service_names: str) -> None:
        """Listen and report serving. `service_names` are full names, for reflection.

        Raises:
            PresslineError: the address cannot be listened on.
        """
        reflection.enable_server_reflection([*service_names, health.SERVICE_NAME], self.grpc)
        try:
            self._bind()
        except RuntimeError as error:
            raise PresslineError(Reason.INTERNAL_ERROR, f"Cannot listen on {self.address}.") from error
        await self.grpc.start()
        await self.set_serving(True)

    async def set_serving(self, serving: bool) -> None:
        """Change what health checks see."""
        status = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        await self._health.set("", status)

    async def leave(self) -> None:
        """Report not serving, and go on serving until those who watch have looked elsewhere."""
        await self._health.enter_graceful_shutdown()
        await lifecycle.wait(self._health.unwatched, NOTICE_SECONDS)

    async def stop(self, grace: float) -> None:
        """Refuse new calls and give running ones `grace` seconds. Whoever balances calls is told by `leave` first."""
        await self._health.enter_graceful_shutdown()
        await self.grpc.stop(grace)

    def _bind(self) -> None:
        if self._tls is None:
            self.grpc.add_insecure_port(self.address)
        else:
            self.grpc.add_secure_port(self.address, grpc_credentials(self._tls))


class _Health(health.aio.HealthServicer):  # type: ignore[misc]  # it comes without types
    """Knows whether anybody watches."""

    def __init__(self) -> None:
        super().__init__()
        self.unwatched = asyncio.Event()
        self.unwatched.set()
        self._watchers = 0

    async def Watch(  # noqa: N802 - the contract's name
        self, request: health_pb2.HealthCheckRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> None:
        self._watchers += 1
        self.unwatched.clear()
        try:
            await super().Watch(request, context)
        finally:
            self._watchers -= 1
            if not self._watchers:
                self.unwatched.set()


def channel(addresses: str, token: str | None = None, tls: ChannelTls | None = None) -> grpc.aio.Channel:
    """A channel balanced over comma-separated addresses; calls without a deadline get the default one.

    Args:
        addresses: as `target` takes them.
        token: the service token, sent with every call.
        tls: what to verify servers by and to show them; plain connections when None. Of several addresses,
            every server's certificate carries the name of the first.
    """
    options = [
        ("grpc.service_config", _SERVICE_CONFIG),
        ("grpc.max_receive_message_length", MAX_ANSWER_BYTES),
        ("grpc.keepalive_time_ms", 20_000),
        ("grpc.keepalive_timeout_ms", 5_000),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        # Several addresses become numbers, and a certificate is for a name.
        ("grpc.default_authority", addresses.partition(",")[0]),
    ]
    interceptors = client_interceptors(token)
    if tls is None:
        return grpc.aio.insecure_channel(target(addresses), options=options, interceptors=interceptors)
    return grpc.aio.secure_channel(target(addresses), tls.credentials(), options=options, interceptors=interceptors)


def target(addresses: str) -> str:
    """The gRPC target of comma-separated host:port addresses.

    One address is resolved by gRPC again and again (a name may stand for many replicas);
    several are resolved once, because gRPC takes a list of numbers only.
    """
    parts = addresses.split(",")
    if len(parts) == 1:
        return f"dns:///{addresses}"
    numbers = []
    for part in parts:
        host, port = part.rsplit(":", 1)
        info = socket.getaddrinfo(host, int(port), socket.AF_INET, socket.SOCK_STREAM)
        numbers.append(f"{info[0][4][0]}:{port}")
    return "ipv4:" + ",".join(numbers)

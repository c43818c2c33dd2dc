"""The HTTP server inside our own life cycle."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
import uvicorn
from starlette.types import ASGIApp

from services.common.errors import PresslineError, Reason
from services.common.tls import ListenerTls, https_context
from services.gateway.parting import Parting, let_go

KEEP_ALIVE_SECONDS = 60
BACKLOG = 2048
log = structlog.get_logger()


class _Server(uvicorn.Server):
    """Leaves signals to the process's own handlers."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def run(
    app: ASGIApp, address: str, stop: asyncio.Event, drain_seconds: float, tls: ListenerTls | None = None
) -> None:
    """Serve until `stop` is set; then close each connection with its next answer and let requests in flight finish.

    Args:
        app: answers requests.
        address: host:port to listen on.
        stop: ends it.
        drain_seconds: what requests in flight are given then.
        tls: what HTTPS shows; plain HTTP when None.

    Raises:
        PresslineError: the address cannot be listened on.
    """
    config = uvicorn.Config(
        Parting(app, stop),
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        # It would believe any proxy on this machine, and knows less than we do of what they tell.
        proxy_headers=False,
        ssl_context_factory=None if tls is None else lambda _config, _default: https_context(tls),
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(drain_seconds),
    )
    server = _Server(config)
    listener = _listen(address)
    log.info("gateway.listening", address=address)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not serving.done():
        await let_go(listener, server.server_state.connections)
    server.should_exit = True
    await serving


def _listen(address: str) -> socket.socket:
    host, port = address.rsplit(":", 1)
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, int(port)), family=family, backlog=BACKLOG)
    except OSError as error:
        raise PresslineError(Reason.INTERNAL_ERROR, f"Cannot listen on {address}: {error.strerror}.") from error

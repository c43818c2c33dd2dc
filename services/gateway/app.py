"""The gateway put together: channels, routes, edge, server."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer

from services.common import rpc
from services.gateway import accounts, deckle, events, health, native, pictify, problems, server, subscriptions
from services.gateway.edge import Edge
from services.gateway.load import Load, Places
from services.gateway.scheduler import Stubs
from services.gateway.settings import GatewaySettings

_REFUSALS: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "Refused; the body says why."},
    "5XX": {"description": "Failed here, or not available just now."},
}


async def serve(settings: GatewaySettings, stop: asyncio.Event) -> None:
    """Serve REST until `stop` is set and the requests in flight have been answered."""
    token = settings.service_token.get_secret_value()
    async with (
        rpc.channel(settings.scheduler_address) as public,
        rpc.channel(settings.scheduler_internal_address, token) as internal,
    ):
        stubs = Stubs(public, internal)
        edge = Edge(routes(settings, stubs, stop), stubs, Load(settings.max_body_bytes, settings.max_buffered_bytes))
        await server.run(edge, settings.gateway_listen, stop, settings.drain_seconds)


def routes(settings: GatewaySettings, stubs: Stubs, stop: asyncio.Event) -> FastAPI:
    """Every route, described by /openapi.json."""
    # The documentation pages load scripts from elsewhere; the description alone does not.
    app = FastAPI(title="Pressline", version="1", docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.stubs, app.state.stop, app.state.max_body_bytes = stubs, stop, settings.max_body_bytes
    app.state.render_wait_seconds = settings.render_wait_seconds
    app.state.streams = Places(settings.event_streams, "The gateway holds as many event streams as it can.")
    problems.install(app)
    app.include_router(health.routes)
    # Keys are checked at the edge, before any body is read; this only declares it.
    declared = [Depends(HTTPBearer(auto_error=False, description="An API key of Pressline."))]
    for dialect in (pictify, deckle, native, events, subscriptions, accounts):
        app.include_router(dialect.routes, dependencies=declared, responses=_REFUSALS)
    return app

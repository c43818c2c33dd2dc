"""The gateway put together: channels, routes, edge, server."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer
from pydantic_core import to_json

from services.common import rpc
from services.common.places import Places
from services.gateway import (
    accounts,
    archives,
    assets,
    cors,
    deckle,
    documentation,
    events,
    health,
    native,
    pictify,
    problems,
    retries,
    server,
    subscriptions,
)
from services.gateway.edge import Edge
from services.gateway.load import Load
from services.gateway.openapi.document import describe, operation_id
from services.gateway.outside import Outside
from services.gateway.scheduler import Stubs
from services.gateway.settings import GatewaySettings


class App(FastAPI):
    """The routes, and what describes them."""

    def openapi(self) -> dict[str, Any]:
        """The description, made once."""
        if self.openapi_schema is None:
            self.openapi_schema = describe(self)
        return self.openapi_schema


async def serve(settings: GatewaySettings, stop: asyncio.Event) -> None:
    """Serve REST until `stop` is set and the requests in flight have been answered."""
    token = settings.service_token.get_secret_value()
    async with (
        rpc.channel(settings.scheduler_address, tls=settings.public_tls) as public,
        rpc.channel(settings.scheduler_internal_address, token, settings.internal_tls) as internal,
    ):
        stubs = Stubs(public, internal)
        app = routes(settings, stubs, stop)
        # Making it takes a second, in which nobody could be answered; so that is before anybody asks.
        app.state.description = to_json(app.openapi())
        edge = Edge(app, stubs, Load(settings.max_body_bytes, settings.max_buffered_bytes))
        open_edge = cors.allowing(edge, settings.cors_origins)
        outside = Outside(open_edge, settings.trusted_proxies, settings.public_url, settings.base_path)
        await server.run(outside, settings.gateway_listen, stop, settings.drain_seconds, settings.gateway_tls)


def routes(settings: GatewaySettings, stubs: Stubs, stop: asyncio.Event) -> App:
    """Every route, described by /openapi.json."""
    # The framework would make the description while everybody waits, and show it by scripts from elsewhere.
    app = App(openapi_url=None, redirect_slashes=False, generate_unique_id_function=operation_id)
    app.servers = [{"url": settings.public_url}] if settings.public_url else []
    app.state.stubs, app.state.stop, app.state.max_body_bytes = stubs, stop, settings.max_body_bytes
    app.state.render_wait_seconds = settings.render_wait_seconds
    app.state.streams = Places(settings.event_streams, settings.event_streams_per_account, "event streams")
    problems.install(app)
    app.include_router(health.routes)
    app.include_router(documentation.routes)
    # Keys are checked at the edge, before any body is read; this only declares it.
    declared = [Depends(HTTPBearer(auto_error=False, scheme_name="ApiKey", description="An API key of any form."))]
    for dialect in (pictify, deckle, native, retries, events, subscriptions, accounts, assets, archives):
        app.include_router(dialect.routes, dependencies=declared)
    return app

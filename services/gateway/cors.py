"""Calls from scripts of other sites' pages, as far as the operator lets them in."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from services.gateway.access import ROUTES

EXPOSED = (
    "X-Request-Id",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Idempotent-Replayed",
    "Location",
)
# How long a browser may remember what it was allowed.
PREFLIGHT_SECONDS = 600


def allowing(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """The app, open to pages of these origins; `*` stands for all. As it is when there are none.

    Browsers ask first, without a key: that is answered here and counts as no request. They are never told to send
    cookies along, since only a key opens the API.
    """
    if not origins:
        return app
    methods = sorted({route.partition(" ")[0] for route in ROUTES})
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=methods,
        allow_headers=("*",),
        expose_headers=EXPOSED,
        max_age=PREFLIGHT_SECONDS,
    )

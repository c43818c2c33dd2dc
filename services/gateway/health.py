"""Probes: is the process alive, and should it be sent requests."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from services.gateway.models.answers.health import Health
from services.gateway.responses import Json

routes = APIRouter(tags=["Health"])


@routes.get("/healthz", response_model=Health)
async def alive() -> Response:
    """The process lives."""
    return Json({"status": "ok"})


@routes.get("/readyz", response_model=Health, responses={503: {"description": "Not ready.", "model": Health}})
async def ready(request: Request) -> Response:
    """A scheduler answers, and this process is not on its way out."""
    if request.app.state.stop.is_set():
        return Json({"status": "stopping"}, 503)
    if not await request.app.state.stubs.serving():
        return Json({"status": "no scheduler answers"}, 503)
    return Json({"status": "ready"})

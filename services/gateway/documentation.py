"""The description of the API, and a page that shows it. Both are open to all, and load nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import FileResponse, Response

_WEB = Path(__file__).parent / "web"
_FILES = {
    "/docs": ("page.html", "text/html"),
    "/docs/page.js": ("page.js", "text/javascript"),
    "/docs/swagger-ui-bundle.js": ("vendor/swagger-ui-bundle.js", "text/javascript"),
    "/docs/swagger-ui.css": ("vendor/swagger-ui.css", "text/css"),
}
# Requests from the page go to this origin alone; the style sheet brings its pictures along.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_DESCRIPTION = "/openapi.json"
PATHS = frozenset({_DESCRIPTION, *_FILES})
routes = APIRouter(include_in_schema=False)


async def _describe(request: Request) -> Response:
    return Response(request.app.state.description, media_type="application/json")


routes.add_route(_DESCRIPTION, _describe, include_in_schema=False)


def _add(path: str, name: str, media_type: str) -> None:
    @routes.get(path)
    async def file() -> FileResponse:
        return FileResponse(_WEB / name, headers=_HEADERS, media_type=media_type)


for _path, (_name, _media_type) in _FILES.items():
    _add(_path, _name, _media_type)

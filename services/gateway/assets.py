"""Routes of assets: the fonts and images of an account."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import HTTPException, Path, Query, Request, Response
from starlette.responses import StreamingResponse

from pressline.asset.v1 import asset_pb2
from services.common.errors import PresslineError
from services.gateway.models.answers.assets import Asset, Assets
from services.gateway.openapi.refusals import refusals
from services.gateway.parameters import Cursor, Limit
from services.gateway.responses import Json
from services.gateway.routing import CallerScheduler, read_body, router
from services.gateway.translate import assets
from services.gateway.translate.paths import renamed

_NAME = "Letters, digits, `.`, `_` and `-`; unique in the account."
AssetId = Annotated[str, Path(description="Of the asset.")]
routes = router()
_FILE = {"schema": {"type": "string", "format": "binary"}}
_UPLOAD: dict[str, Any] = {"requestBody": {"required": True, "content": {"application/octet-stream": _FILE}}}
_DOWNLOAD: dict[int | str, dict[str, Any]] = {
    200: {"description": "The bytes, under their media type.", "content": {"application/octet-stream": _FILE}}
}
# An SVG may hold scripts. Opened from here, it runs none and loads nothing.
_HARMLESS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
}


@routes.post(
    "/v1/assets", status_code=201, response_model=Asset, openapi_extra=_UPLOAD, responses=refusals(400, 409, 413, 415)
)
async def create_asset(
    request: Request,
    scheduler: CallerScheduler,
    name: Annotated[str, Query(description=_NAME, json_schema_extra={"pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"})],
    replace: Annotated[bool, Query(description="Whether other bytes under that name are replaced.")] = False,
) -> Response:
    """Store a font or an image: the body is the file itself.

    What it is, its bytes tell; a declared media type does not count. The same bytes under the same name change nothing,
    so the call may be repeated.
    """
    if request.headers.get("content-type", "").lower().startswith("multipart/"):
        raise HTTPException(415, "The body must be the file itself, not a form; with curl: --data-binary @FILE.")
    data = await read_body(request, request.app.state.max_body_bytes)
    try:
        return Json(assets.asset(await scheduler.create_asset(assets.upload(name, data, replace=replace))), 201)
    except PresslineError as error:
        raise renamed(error, assets.RENAMES) from error


@routes.get("/v1/assets", response_model=Assets)
async def list_assets(scheduler: CallerScheduler, limit: Limit = 100, cursor: Cursor = "") -> Response:
    """List the account's assets by name."""
    request = asset_pb2.ListAssetsRequest(page_size=limit, page_token=cursor)
    return Json(assets.assets(await scheduler.call(scheduler.stubs.assets.ListAssets, request)))


@routes.get("/v1/assets/{asset_id}", response_model=Asset)
async def get_asset(asset_id: AssetId, scheduler: CallerScheduler) -> Response:
    """Read what is known about an asset."""
    return Json(assets.asset(await _asset(scheduler, asset_id)))


@routes.get("/v1/assets/{asset_id}/content", response_class=Response, responses=_DOWNLOAD)
async def get_asset_content(asset_id: AssetId, scheduler: CallerScheduler) -> Response:
    """Read an asset's bytes."""
    found = await _asset(scheduler, asset_id)
    headers = {
        **_HARMLESS,
        "Content-Type": found.content_type,
        "Content-Disposition": f'inline; filename="{found.name}"',
    }
    return StreamingResponse(scheduler.read_asset(asset_id), headers=headers)


@routes.delete("/v1/assets/{asset_id}", status_code=204)
async def delete_asset(asset_id: AssetId, scheduler: CallerScheduler) -> Response:
    """Delete an asset; batches that were submitted before still render with it."""
    request = asset_pb2.DeleteAssetRequest(asset_id=asset_id)
    await scheduler.call(scheduler.stubs.assets.DeleteAsset, request)
    return Response(status_code=204)


async def _asset(scheduler: CallerScheduler, asset_id: str) -> asset_pb2.Asset:
    return await scheduler.call(scheduler.stubs.assets.GetAsset, asset_pb2.GetAssetRequest(asset_id=asset_id))

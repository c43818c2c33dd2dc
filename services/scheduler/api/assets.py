"""pressline.asset.v1.AssetService."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc

from pressline.asset.v1 import asset_pb2, asset_pb2_grpc
from services.common.errors import Violation, invalid
from services.common.places import Places
from services.scheduler.api.caller import Callers
from services.scheduler.api.removals import removal
from services.scheduler.assets import AssetDesk

Context = grpc.aio.ServicerContext[Any, Any]
DEFAULT_PAGE, LARGEST_PAGE = 100, 1_000
# Each is held in memory until it is stored.
UPLOADS, UPLOADS_PER_ACCOUNT = 32, 8


class AssetService(asset_pb2_grpc.AssetServiceServicer):
    """Assets of the calling account."""

    def __init__(self, callers: Callers, desk: AssetDesk) -> None:
        self._callers = callers
        self._desk = desk
        self._uploads = Places(UPLOADS, UPLOADS_PER_ACCOUNT, "uploads of assets")

    async def CreateAsset(
        self, request_iterator: AsyncIterator[asset_pb2.CreateAssetRequest], context: Context
    ) -> asset_pb2.Asset:
        """Store an upload."""
        caller = await self._callers.caller(context)
        with self._uploads.held(caller.account["_id"]):
            spec, data = await self._upload(request_iterator)
            return await self._desk.create(caller, spec, data)

    async def GetAsset(self, request: asset_pb2.GetAssetRequest, context: Context) -> asset_pb2.Asset:
        """One asset."""
        account = await self._callers.account(context)
        return (await self._desk.library(account["_id"])).by_id(request.asset_id).asset

    async def ListAssets(self, request: asset_pb2.ListAssetsRequest, context: Context) -> asset_pb2.ListAssetsResponse:
        """A page by name; the token is the last name before it."""
        account = await self._callers.account(context)
        size = request.page_size or DEFAULT_PAGE
        if not 0 < size <= LARGEST_PAGE:
            raise invalid(Violation("page_size", f"is from 1 to {LARGEST_PAGE}"))
        assets, more = await self._desk.page(account["_id"], request.page_token, size)
        return asset_pb2.ListAssetsResponse(assets=assets, next_page_token=assets[-1].name if more else "")

    async def ReadAsset(
        self, request: asset_pb2.ReadAssetRequest, context: Context
    ) -> AsyncIterator[asset_pb2.ReadAssetResponse]:
        """The bytes of an asset."""
        account = await self._callers.account(context)
        async for part in self._desk.read(account["_id"], request.asset_id):
            yield asset_pb2.ReadAssetResponse(data=part)

    async def DeleteAsset(
        self, request: asset_pb2.DeleteAssetRequest, context: Context
    ) -> asset_pb2.DeleteAssetResponse:
        """Delete it."""
        caller = await self._callers.caller(context)
        with removal(context):
            await self._desk.delete(caller, request.asset_id)
        return asset_pb2.DeleteAssetResponse()

    async def _upload(self, parts: AsyncIterator[asset_pb2.CreateAssetRequest]) -> tuple[asset_pb2.AssetSpec, bytes]:
        spec: asset_pb2.AssetSpec | None = None
        data = bytearray()
        async for request in parts:
            if request.WhichOneof("part") == "spec":
                if spec is not None:
                    raise invalid(Violation("spec", "is sent once"))
                spec = request.spec
            data += request.data
            if len(data) > self._desk.limits.bytes_each:
                raise self._desk.too_large()
        if spec is None:
            raise invalid(Violation("spec", "is the first message"))
        return spec, bytes(data)

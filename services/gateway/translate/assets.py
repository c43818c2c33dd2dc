"""Assets in snake_case."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pressline.asset.v1 import asset_pb2
from services.gateway.translate.paths import Renames
from services.gateway.translate.values import timestamp

RENAMES: Renames = ((r"^data$", "body"), (r"^spec\.", ""))
_PART_BYTES = 1 << 20
_KINDS: dict[int, str] = {asset_pb2.ASSET_KIND_IMAGE: "image", asset_pb2.ASSET_KIND_FONT: "font"}


def upload(name: str, data: bytes, *, replace: bool) -> Iterator[asset_pb2.CreateAssetRequest]:
    """The messages that store an asset."""
    yield asset_pb2.CreateAssetRequest(spec=asset_pb2.AssetSpec(name=name, replace=replace))
    for start in range(0, len(data), _PART_BYTES):
        yield asset_pb2.CreateAssetRequest(data=data[start : start + _PART_BYTES])


def asset(stored: asset_pb2.Asset) -> dict[str, Any]:
    """An asset as its owner sees it."""
    return {
        "id": stored.id,
        "name": stored.name,
        "kind": _KINDS[stored.kind],
        "content_type": stored.content_type,
        "bytes": stored.size_bytes,
        "sha256": stored.sha256,
        "url": stored.url,
        "font": _font(stored.font) if stored.HasField("font") else None,
        "created_at": timestamp(stored.create_time),
        "updated_at": timestamp(stored.update_time),
    }


def assets(listed: asset_pb2.ListAssetsResponse) -> dict[str, Any]:
    """A page of assets."""
    return {"data": [asset(each) for each in listed.assets], "next_cursor": listed.next_page_token or None}


def _font(font: asset_pb2.FontFace) -> dict[str, str]:
    weights = (font.min_weight,) if font.min_weight == font.max_weight else (font.min_weight, font.max_weight)
    return {
        "family": font.family,
        "weight": " ".join(str(weight) for weight in weights),
        "style": "italic" if font.italic else "normal",
    }
